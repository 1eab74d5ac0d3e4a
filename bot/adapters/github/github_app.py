"""The `GitHub` port on GitHub's REST and GraphQL API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
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
from bot.adapters.github.registration import Registration
from bot.adapters.github.repositories import Repositories
from bot.adapters.github.reviews import Reviews
from bot.adapters.github.sending import Sender
from bot.adapters.github.transport import Transport
from bot.domain.core.accounts import Account, Login
from bot.domain.core.errors import GitHubError, GitHubLagError, GitHubNotFoundError
from bot.domain.core.model import Permission, PullRequest, Repo, Sha
from bot.domain.gates import OtherCheck
from bot.domain.gates.approvals import Review
from bot.ports import Check, Clock, Collaborator, FailedDelivery, Posted
from bot.ports.issues import IssueText
from bot.ports.pushers import ActivityPage

_REFUSED_LIST = 422
"""The status of a refused token for several repositories, one of which is not installed."""


class GitHubApp:
    """GitHub for one App; the caller closes the session.

    Every method retries temporary failures for up to `Options.patience` seconds, and then raises GitHubError:
    GitHubNotFoundError for 404 and 410, GitHubUnavailableError for a temporary failure.
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
        self._heads = options.heads
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
        self._deployments = Deployments(Client(sender, self._tokens, Profile.DEPLOYMENTS), clock)
        self._issues = Issues(Client(sender, self._tokens, Profile.ISSUES), self._identity)
        self._hooks = HookDeliveries(sender, app)
        self.registration = Registration(sender, app, self._tokens)

    async def close(self) -> None:
        """Stop writing; afterwards the ledger of the options may be closed."""
        await self._sender.stop()

    async def repository(self, full_name: str) -> Repo:
        """Return the repository with its installation and default branch."""
        return await self._repositories.repository(full_name)

    async def known_repository(self, full_name: str) -> Repo:
        """Return the repository as this process last read it; reads it if it has not."""
        return await self._repositories.known(full_name)

    async def subject(self, full_name: str, number: int) -> tuple[Repo, PullRequest]:
        """Return a pull request at its newest known head, and its repository, with one request."""
        async with self._not_yet(full_name, number):
            repo, pull = await self._repositories.subject(full_name, number)
        return repo, await self._heads.numbered(repo, pull)

    async def pull(self, repo: Repo, number: int) -> PullRequest:
        """Return the pull request at its newest known head."""
        async with self._not_yet(repo.full_name, number):
            pull = await self._repositories.pull(repo, number)
        return await self._heads.numbered(repo, pull)

    async def open_pulls(self, repo: Repo) -> Sequence[PullRequest]:
        """Return all open pull requests at their newest known heads."""
        return await self._heads.listed(repo, await self._repositories.open_pulls(repo))

    @asynccontextmanager
    async def _not_yet(self, full_name: str, number: int) -> AsyncIterator[None]:
        try:
            yield
        except GitHubNotFoundError as error:
            # A delivery has just reported this pull request, so it exists: GitHub's replicas are behind.
            if not await self._heads.is_fresh(full_name, number):
                raise
            raise GitHubLagError(f"GitHub does not show {full_name}#{number} yet") from error

    async def collaborator(self, repo: Repo, login: Login) -> Collaborator | None:
        """Return the user with this login, with the current permission; None if there is none."""
        return await self._repositories.collaborator(repo, login)

    async def permission(self, repo: Repo, account: Account) -> Permission:
        """Return the account's current permission; for a custom role, the one it is based on."""
        return await self._repositories.permission(repo, account)

    async def is_team_member(self, org: str, team: str, login: Login) -> bool:
        """Whether the user is an active member of the team `org/team` (slug)."""
        return await self._repositories.is_team_member(org, team, login)

    async def team_permission(self, repo: Repo, org: str, team: str) -> Permission:
        """Return a team's permission on a repository; NONE also if the team does not exist."""
        return await self._repositories.team_permission(repo, org, team)

    async def branch_head(self, repo: Repo, branch: str) -> Sha:
        """Return the commit at the tip of a branch; raises GitHubNotFoundError."""
        return await self._repositories.branch_head(repo, branch)

    async def file(self, repo: Repo, path: str, ref: str) -> str | None:
        """Return a text file at a ref, None if there is none; raises GitHubError above 1 MB."""
        return await self._repositories.file(repo, path, ref)

    async def reviews(self, repo: Repo, number: int) -> Sequence[Review]:
        """Return the submitted reviews of a pull request, without those of deleted users."""
        return await self._reviews.submitted(repo, number)

    async def committers(self, repo: Repo, number: int) -> Mapping[Sha, frozenset[Account]]:
        """Return commit -> its authors and committers; GitHubError if GitHub does not list all."""
        return await self._reviews.committers(repo, number)

    async def activity(self, repo: Repo, ref: str, *, cursor: str | None = None) -> ActivityPage:
        """Return a page of the moves of a branch, newest first."""
        return await self._reviews.activity(repo, ref, cursor=cursor)

    async def own_login(self) -> Login:
        """Return the login of the App's bot account."""
        return Login(f"{(await self._identity.info()).slug}[bot]")

    async def comment(self, repo: Repo, number: int, body: str, *, asked: bool = False) -> Posted:
        """Write a comment.

        A retry within this call does not write it twice if the body begins with our marker. After a crash,
        look with `find_comment` first.
        """
        return await self._comments.write(repo, number, body, asked=asked)

    async def update_comment(self, repo: Repo, comment_id: int, body: str, *, asked: bool = False) -> Posted:
        """Replace a comment's body; raises GitHubNotFoundError if it was deleted."""
        return await self._comments.update(repo, comment_id, body, asked=asked)

    async def find_comment(self, repo: Repo, number: int, marker: str) -> Posted | None:
        """Return the App's newest comment whose first line contains `marker`, or None."""
        async with self._not_yet(repo.full_name, number):
            return await self._comments.find(repo, number, marker)

    async def minimize_comment(self, repo: Repo, comment_id: int, *, node_id: str | None = None) -> None:
        """Fold an outdated comment; does nothing if it was deleted."""
        await self._comments.minimize(repo, comment_id, node_id=node_id)

    async def react(self, repo: Repo, comment_id: int, content: str) -> None:
        """Add a reaction; does nothing if the comment was deleted."""
        await self._comments.react(repo, comment_id, content)

    async def create_check(self, repo: Repo, check: Check, *, in_doubt: bool = False) -> int:
        """Create a check run; returns its id."""
        return await self._checks.create(repo, check, in_doubt=in_doubt)

    async def update_check(self, repo: Repo, check_id: int, check: Check) -> bool:
        """Update a check run without its annotations; returns whether GitHub shows the update."""
        return await self._checks.update(repo, check_id, check)

    async def other_checks(self, repo: Repo, sha: Sha, branch: str) -> Sequence[OtherCheck]:
        """Return the checks of a commit that `branch` requires, else all; without the App's own."""
        return await self._commit_checks.others(repo, sha, branch)

    async def create_deployment(
        self, repo: Repo, ref: Sha, environment: str, description: str, *, in_doubt: bool = False
    ) -> int:
        """Create a deployment without merging and without required contexts; returns its id."""
        return await self._deployments.create(repo, ref, environment, description, in_doubt=in_doubt)

    async def set_deployment_status(
        self, repo: Repo, deployment_id: int, state: str, description: str, log_url: str
    ) -> None:
        """Record a status of a deployment."""
        await self._deployments.set_status(repo, deployment_id, state, description, log_url)

    async def create_issue(self, repo: Repo, text: IssueText, *, in_doubt: bool = False) -> int:
        """Open an issue; returns its number. With `in_doubt`, an open one is looked for first."""
        return await self._issues.create(repo, text, in_doubt=in_doubt)

    async def update_issue(self, repo: Repo, number: int, text: IssueText) -> None:
        """Replace title, body and state of an issue; raises GitHubNotFoundError if it was deleted."""
        await self._issues.update(repo, number, text)

    async def failed_deliveries(self, since: datetime) -> Sequence[FailedDelivery]:
        """Return failed attempts to deliver a webhook since then, newest first."""
        return await self._hooks.failed(since)

    async def redeliver(self, attempt: int) -> None:
        """Request another attempt at a delivery; raises GitHubNotFoundError if it is too old."""
        await self._hooks.again(attempt)

    async def git_token(self, repo: Repo) -> str:
        """Return a token that can only read this repository; valid for at least ten minutes."""
        self._tokens.installations.learn(repo)
        signer = credential(self._tokens, repo.owner, repo.name, Profile.GIT)
        return (await signer.token()).value

    async def module_token(self, repo: Repo, names: Sequence[str]) -> str:
        """Return a token that can only read `names`, repositories of the owner of `repo`."""
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
                " lists, or remove it from that list",
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
        """Return the App's name; proves that the credentials are valid."""
        return (await self._identity.ask()).name
