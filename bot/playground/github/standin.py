"""The stand-in GitHub, as tests and the playground use it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.playground.github.actions import accounts, renames, repos
from bot.playground.github.actions.activity import forget_activity
from bot.playground.github.auth import Auth, private_pem
from bot.playground.github.config import StandInConfig
from bot.playground.github.errors import not_found
from bot.playground.github.faults.lag import Lag
from bot.playground.github.faults.orders import Faults
from bot.playground.github.hub import Crash, Hub, RequestLog
from bot.playground.github.limits import Limits
from bot.playground.github.people.app import AppActs
from bot.playground.github.people.merges import MergeActs
from bot.playground.github.people.pulls import PullActs
from bot.playground.github.records.model import Account, Delivery, Repo, Role, Team
from bot.playground.github.server import Server
from bot.playground.github.shapes import events
from bot.playground.github.webhooks import Hooks

PERSONAS = (
    ("dev", Role.WRITE, "developer"),
    ("owner", Role.WRITE, "code owner"),
    ("owner2", Role.WRITE, "second code owner"),
    ("admin", Role.ADMIN, "administrator"),
    ("reader", Role.READ, "reads only"),
    ("outsider", Role.NONE, "no access"),
)


class StandIn(PullActs, MergeActs, AppActs):
    """A private GitHub on 127.0.0.1.

    Acting methods send the webhooks GitHub would send and return without waiting for their delivery;
    `settled` waits. Repositories are named `owner/name`. What GitHub would refuse raises `ApiError`. Returned
    records are live: they change with the stand-in.
    """

    def __init__(self, config: StandInConfig) -> None:
        super().__init__(Hub(config))
        self._auth = Auth(self._hub)
        self._server = Server(self._hub, self._auth)
        accounts.ensure_bot(self._hub)

    async def start(self, port: int = 0) -> None:
        """Listen and start to deliver webhooks; detect branches that moved while stopped."""
        self._hub.url = f"http://127.0.0.1:{await self._server.start(port)}"
        await repos.recover(self._hub)
        await self._hub.hooks.start()

    async def stop(self) -> None:
        """Stop listening and write the state."""
        await self._hub.hooks.stop()
        await self._server.stop()
        await self._hub.lag.write_all()
        self._hub.state.save()

    def save(self) -> None:
        """Write the state now; it is also saved shortly after each change."""
        self._hub.state.save()

    @property
    def url(self) -> str:
        """The web and git origin, without a trailing slash."""
        return self._hub.url

    @property
    def api_url(self) -> str:
        """The REST base, without a trailing slash."""
        return self._hub.api_url

    @property
    def graphql_url(self) -> str:
        """The GraphQL endpoint."""
        return f"{self._hub.url}/api/graphql"

    @property
    def private_key_pem(self) -> str:
        """The App's private key (PKCS#1 PEM)."""
        return private_pem(self._auth.key)

    @property
    def config(self) -> StandInConfig:
        """Its configuration."""
        return self._hub.config

    @property
    def faults(self) -> Faults:
        """Fault injection."""
        return self._hub.faults

    @property
    def limits(self) -> Limits:
        """Rate limits, GitHub's own unless `limits.secondary` is changed or they are lifted."""
        return self._hub.limits

    @property
    def hooks(self) -> Hooks:
        """Webhook deliveries and their knobs; `hooks.url` may be set at any time."""
        return self._hub.hooks

    @property
    def violations(self) -> list[str]:
        """What did not conform to GitHub's description; tests assert that it is empty."""
        return self._hub.journal.violations

    @property
    def requests(self) -> list[RequestLog]:
        """Every HTTP request so far."""
        return self._hub.journal.requests

    @property
    def crashes(self) -> list[Crash]:
        """Failures of the stand-in itself; tests assert that it is empty."""
        return self._hub.journal.crashes

    @property
    def deliveries(self) -> list[Delivery]:
        """The log of deliveries, oldest first."""
        return list(self._hub.state.data.deliveries.values())

    def set_webhook_url(self, url: str | None) -> None:
        """Set where webhooks are sent."""
        self._hub.hooks.url = url

    def set_callback_url(self, url: str | None) -> None:
        """Set where OAuth returns to."""
        self._hub.callback_url = url

    def ping(self) -> None:
        """Send the webhook's first event."""
        events.ping(self._hub)

    async def settled(self) -> None:
        """Wait until every queued webhook was answered (or at once while deliveries are paused)."""
        await self._hub.hooks.settled()

    def redeliver(self, delivery: Delivery) -> Delivery:
        """Deliver again under the same GUID, as a person does on the App's settings page."""
        return self._hub.hooks.redeliver(delivery)

    def user_token(self, login: str) -> str:
        """A personal token, also good as a git password."""
        return self._auth.issue_user_token(login)

    def revoke_tokens(self) -> None:
        """Make every token invalid, whatever its expiry."""
        self._auth.revoke_all()

    async def add_user(self, login: str, *, name: str | None = None, note: str = "") -> Account:
        """Add a person; an existing one is returned."""
        return accounts.add_user(self._hub, login, name=name, note=note)

    async def add_mannequin(self, login: str) -> Account:
        """Add the mannequin of an imported author, who has no right and cannot log in."""
        return accounts.add_mannequin(self._hub, login)

    def account(self, login: str) -> Account:
        """The account that has this login now."""
        return self._hub.state.account(login)

    def rename_account(self, login: str, new: str) -> Account:
        """Rename a person; the id stays, and the old login becomes available."""
        return renames.rename(self._hub, login, new)

    def delete_account(self, login: str) -> None:
        """Delete a person; GitHub shows the ghost account as the author of their content."""
        renames.delete(self._hub, login)

    async def add_personas(self, repo: str) -> None:
        """Add dev, owner, owner2, admin, reader and outsider with their roles on a repository."""
        for login, role, note in PERSONAS:
            accounts.add_user(self._hub, login, note=note)
            accounts.set_permission(self._hub, self.repo(repo), login, role)

    def set_permission(self, repo: str, login: str, role: str) -> None:
        """Give a role: none, read, triage, write, maintain or admin."""
        accounts.set_permission(self._hub, self.repo(repo), login, Role(role))

    async def add_team(self, org: str, slug: str, members: Sequence[str] = ()) -> Team:
        """Add or replace a team of an organisation that owns a repository."""
        return accounts.add_team(self._hub, org, slug, list(members))

    def set_team_permission(self, repo: str, slug: str, role: str) -> None:
        """Give a team of the owning organisation a role on a repository."""
        self.repo(repo).team_roles[slug] = Role(role)
        self._hub.state.changed()

    def forget_activity(self, repo: str) -> None:
        """Drop the list of pushes, as GitHub does after some time."""
        forget_activity(self._hub, self.repo(repo))

    def has_repo(self, repo: str) -> bool:
        """Whether a repository exists, for a caller that seeds once."""
        return repo.lower() in self._hub.state.data.repos

    def repo_path(self, repo: str) -> Path:
        """The bare repository on disk."""
        return self._hub.repo_path(repo)

    async def create_repo(
        self,
        repo: str,
        *,
        files: Mapping[str, str] | None = None,
        private: bool = True,
        installed: bool = True,
        default_branch: str = "main",
        description: str | None = None,
    ) -> Repo:
        """Make a repository with one commit; an unknown owner becomes an organisation."""
        return await repos.create_repo(
            self._hub,
            repo,
            files=files or {},
            private=private,
            installed=installed,
            default_branch=default_branch,
            description=description,
        )

    async def fork(self, repo: str, login: str) -> Repo:
        """Fork a repository."""
        return await repos.fork_repo(self._hub, self.repo(repo), login)

    def install(self, repo: str, *, by: str | None = None) -> None:
        """Install the App."""
        found = self.repo(repo)
        accounts.install(self._hub, found, sender=by or found.owner)

    def uninstall(self, repo: str, *, by: str | None = None) -> None:
        """Uninstall the App."""
        found = self.repo(repo)
        accounts.uninstall(self._hub, found, sender=by or found.owner)

    async def push(
        self,
        repo: str,
        branch: str,
        files: Mapping[str, str | None],
        *,
        author: str,
        message: str | None = None,
        start: str | None = None,
    ) -> str:
        """Commit files (None deletes) on a branch, a new one from `start`; returns the SHA."""
        who = self._hub.state.account(author)
        text = message or f"Change {', '.join(files) or 'nothing'}"
        return await repos.push_files(
            self._hub, self.repo(repo), branch, files, author=who, message=text, start=start
        )

    @property
    def lag(self) -> Lag:
        """How far REST and refs of pull requests are behind the webhooks; `lag.longest` may be set."""
        return self._hub.lag

    async def head(self, repo: str, branch: str) -> str:
        """The SHA of a branch."""
        sha = await self._hub.git(self.repo(repo)).resolve(f"heads/{branch}")
        if sha is None:
            raise not_found()
        return sha

    async def read(self, repo: str, revision: str, path: str) -> str | None:
        """A file's text at a revision; None when there is none."""
        content = await self._hub.git(self.repo(repo)).read(revision, path)
        return None if content is None else content.decode()
