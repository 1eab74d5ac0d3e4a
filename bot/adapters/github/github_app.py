"""The `GitHub` port on GitHub's REST and GraphQL API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import aiohttp

from bot.adapters.github.branch_rules import BranchRules
from bot.adapters.github.checks import Checks
from bot.adapters.github.client import Client, credential
from bot.adapters.github.comments import Comments
from bot.adapters.github.commit_checks import CommitChecks
from bot.adapters.github.credentials import AppCredential, Profile, TokenKey, Tokens
from bot.adapters.github.deployments import Deployments
from bot.adapters.github.hooks import HookDeliveries
from bot.adapters.github.identity import Identity
from bot.adapters.github.issues import Issues
from bot.adapters.github.options import Options, Waits
from bot.adapters.github.pull_opener import PullRequests
from bot.adapters.github.repositories import Repositories
from bot.adapters.github.reviews import Reviews
from bot.adapters.github.sending import Sender
from bot.adapters.github.transport import Transport
from bot.domain.approvals import Review
from bot.domain.errors import GitHubError
from bot.domain.gates import OtherCheck
from bot.domain.model import Login, Permission, PullRequest, Repo, Sha
from bot.ports import Check, Clock, FailedDelivery, Posted
from bot.ports.issues import IssueText

_REFUSED_LIST = 422
"""The answer to a token for several repositories, one of which the installation does not hold."""


class GitHubApp:
    """GitHub for one App, on a shared session whose life is the caller's.

    Every method retries what may be retried for up to `Options.patience` seconds, and then raises
    GitHubError, or its subclasses for "not there" and "not now".
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        app_id: str,
        private_key: str,
        clock: Clock,
        options: Options,
        waits: Waits | None = None,
    ) -> None:
        time = waits or Waits()
        app = AppCredential(app_id, private_key, clock)
        self._sender = sender = Sender(Transport(session, options, time), clock, options, time)
        self._tokens = Tokens(sender, app, clock, options.admitting)
        client = Client(sender, self._tokens)
        self._identity = Identity(sender, app)
        self._repositories = Repositories(client, sender, self._tokens)
        self._reviews = Reviews(client)
        self._pulls = PullRequests(client)
        self._comments = Comments(client, self._identity, clock)
        self._checks = Checks(client, self._identity, clock)
        rules = BranchRules(client, enterprise_server=options.enterprise_server)
        self._commit_checks = CommitChecks(sender, self._tokens, self._identity, rules)
        self._deployments = Deployments(client, clock)
        self._issues = Issues(Client(sender, self._tokens, Profile.ISSUES), self._identity)
        self._hooks = HookDeliveries(sender, app)

    async def close(self) -> None:
        """Write nothing more; the ledger of the options may be closed afterwards."""
        await self._sender.stop()

    async def repository(self, full_name: str) -> Repo:
        """Return the repository with its installation and default branch."""
        return await self._repositories.repository(full_name)

    async def known_repository(self, full_name: str) -> Repo:
        """Return the repository as this process read it last; it is read where it was not."""
        return await self._repositories.known(full_name)

    async def subject(self, full_name: str, number: int) -> tuple[Repo, PullRequest]:
        """Return a pull request and its repository as they are now, with one request."""
        return await self._repositories.subject(full_name, number)

    async def pull(self, repo: Repo, number: int) -> PullRequest:
        """Return the pull request as it is now."""
        return await self._repositories.pull(repo, number)

    async def open_pulls(self, repo: Repo) -> Sequence[PullRequest]:
        """Return all open pull requests."""
        return await self._repositories.open_pulls(repo)

    async def permission(self, repo: Repo, login: Login) -> Permission:
        """Return the right that the user has now; a custom role counts as the one it is based on."""
        return await self._repositories.permission(repo, login)

    async def is_team_member(self, org: str, team: str, login: Login) -> bool:
        """Whether the user is an active member of the team `org/team` (slug)."""
        return await self._repositories.is_team_member(org, team, login)

    async def branch_head(self, repo: Repo, branch: str) -> Sha:
        """Return the commit at the tip of a branch; GitHubNotFoundError when there is no such branch."""
        return await self._repositories.branch_head(repo, branch)

    async def file(self, repo: Repo, path: str, ref: str) -> str | None:
        """Return a text file at a ref, None when there is none; GitHubError above 1 MB."""
        return await self._repositories.file(repo, path, ref)

    async def reviews(self, repo: Repo, number: int) -> Sequence[Review]:
        """Return the submitted reviews of a pull request, without those of deleted users."""
        return await self._reviews.submitted(repo, number)

    async def committers(self, repo: Repo, number: int) -> frozenset[Login]:
        """Return the users who wrote or committed its commits; GitHubError when GitHub does not list them all."""
        return await self._reviews.committers(repo, number)

    async def comment(self, repo: Repo, number: int, body: str) -> Posted:
        """Write a comment.

        A retry inside this call writes nothing twice when the body begins with our marker. A call that is
        repeated as a whole does: look with `find_comment` first.
        """
        return await self._comments.write(repo, number, body)

    async def update_comment(self, repo: Repo, comment_id: int, body: str) -> Posted:
        """Replace a comment's body; GitHubNotFoundError when somebody deleted it."""
        return await self._comments.update(repo, comment_id, body)

    async def find_comment(self, repo: Repo, number: int, marker: str) -> int | None:
        """Return the id of the App's own newest comment whose first line holds `marker`, or None."""
        return await self._comments.find(repo, number, marker)

    async def minimize_comment(self, repo: Repo, comment_id: int, *, node_id: str | None = None) -> None:
        """Fold an outdated comment; a comment that is gone is not an error."""
        await self._comments.minimize(repo, comment_id, node_id=node_id)

    async def react(self, repo: Repo, comment_id: int, content: str) -> None:
        """Add a reaction; a comment that is gone is not an error."""
        await self._comments.react(repo, comment_id, content)

    async def create_check(self, repo: Repo, check: Check, *, in_doubt: bool = False) -> int:
        """Create a check run; returns its id."""
        return await self._checks.create(repo, check, in_doubt=in_doubt)

    async def update_check(self, repo: Repo, check_id: int, check: Check) -> None:
        """Update a check run; its annotations are added to the earlier ones."""
        await self._checks.update(repo, check_id, check)

    async def other_checks(self, repo: Repo, sha: Sha, branch: str) -> Sequence[OtherCheck]:
        """Return the checks of a commit without the App's own: those that `branch` requires, else all."""
        return await self._commit_checks.others(repo, sha, branch)

    async def create_deployment(
        self, repo: Repo, ref: Sha, environment: str, description: str, *, in_doubt: bool = False
    ) -> int:
        """Create a deployment without merging and without required contexts; returns its id."""
        return await self._deployments.create(repo, ref, environment, description, in_doubt=in_doubt)

    async def set_deployment_status(
        self, repo: Repo, deployment_id: int, state: str, description: str, log_url: str
    ) -> None:
        """Record a state of a deployment."""
        await self._deployments.set_status(repo, deployment_id, state, description, log_url)

    async def create_issue(self, repo: Repo, text: IssueText, *, in_doubt: bool = False) -> int:
        """Open an issue; returns its number. Where one may have been opened before, it is looked for first."""
        return await self._issues.create(repo, text, in_doubt=in_doubt)

    async def update_issue(self, repo: Repo, number: int, text: IssueText) -> None:
        """Replace title, body and state of an issue; GitHubNotFoundError when it is gone."""
        await self._issues.update(repo, number, text)

    async def failed_deliveries(self, since: datetime) -> Sequence[FailedDelivery]:
        """Return failed attempts to deliver a webhook since then, newest first."""
        return await self._hooks.failed(since)

    async def redeliver(self, attempt: int) -> None:
        """Ask for another attempt; GitHubNotFoundError when GitHub has forgotten it."""
        await self._hooks.again(attempt)

    async def git_token(self, repo: Repo) -> str:
        """Return a token that can only read this repository's contents, valid for at least ten minutes."""
        self._tokens.installations.learn(repo)
        signer = credential(self._tokens, repo.owner, repo.name, Profile.GIT)
        return (await signer.token()).value

    async def module_token(self, repo: Repo, names: Sequence[str]) -> str:
        """Return a token that can only read the contents of `names`, repositories of the owner of `repo`."""
        self._tokens.installations.learn(repo)
        key = TokenKey(
            owner=repo.owner, name=repo.name, profile=Profile.GIT, instead=tuple(sorted(set(names)))
        )
        try:
            return await self._tokens.get(key)
        except GitHubError as error:
            if error.status != _REFUSED_LIST:
                raise
            raise GitHubError(
                f"{error}; install the App on each repository of {repo.owner} that GATEWRIGHT_MODULE_REPOSITORIES"
                " lists, or take it off that list",
                status=error.status,
            ) from error

    async def branch_token(self, repo: Repo) -> str:
        """Return a token that can write this repository's contents, and nothing else."""
        self._tokens.installations.learn(repo)
        signer = credential(self._tokens, repo.owner, repo.name, Profile.BRANCHES)
        return (await signer.token()).value

    async def open_pull(self, repo: Repo, *, branch: str, base: str, title: str, body: str) -> int:
        """Open a pull request, or find the open one of this branch; returns its number."""
        return await self._pulls.open(repo, branch=branch, base=base, title=title, body=body)

    async def check_credentials(self) -> str:
        """Return the App's name; used by doctor and readiness."""
        return (await self._identity.ask()).name
