"""GitHub as Gatewright needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.core.accounts import Account, Login
from bot.domain.core.model import Permission, PullRequest, Repo, Sha
from bot.domain.gates.approvals import Review
from bot.ports.commit_checks import CommitChecks
from bot.ports.pushers import Activity


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckButton:
    """A button on a check run.

    GitHub allows three, label <= 20, description <= 40, identifier <= 20 chars.
    """

    label: str
    description: str
    identifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """A remark at a file and line of a check run."""

    path: str
    line: int
    level: str
    """`notice`, `warning` or `failure`."""
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The content of a check run. `conclusion` None means that it is incomplete."""

    name: str
    head_sha: Sha
    conclusion: str | None
    """`success`, `failure`, `neutral`, `cancelled`, `action_required`, `timed_out` or None."""
    title: str
    summary: str
    """Markdown; the adapter cuts it at GitHub's limit."""
    details_url: str | None = None
    external_id: str | None = None
    buttons: tuple[CheckButton, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    is_waiting: bool = False
    """Whether an incomplete one waits for people, and nothing is in progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A comment as GitHub stored it.

    `at` is GitHub's own time (whole seconds), comparable to other comments'.
    """

    id: int
    at: datetime
    node_id: str | None = None
    """What GraphQL calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collaborator:
    """The account that has a login now, and its right on a repository."""

    account: Account
    permission: Permission


class GitHub(CommitChecks, Activity, Protocol):
    """Everything Gatewright asks of GitHub.

    Each call retries what may be retried, then raises GitHubError.
    """

    async def repository(self, full_name: str) -> Repo:
        """Return the repository with its installation and default branch."""
        ...

    async def known_repository(self, full_name: str) -> Repo:
        """Return the repository as last read by this process, for display; it is read if unknown."""
        ...

    async def subject(self, full_name: str, number: int) -> tuple[Repo, PullRequest]:
        """Return a pull request and its repository as they are now, with one request."""
        ...

    async def pull(self, repo: Repo, number: int) -> PullRequest:
        """Return the current pull request."""
        ...

    async def open_pulls(self, repo: Repo) -> Sequence[PullRequest]:
        """Return all open pull requests."""
        ...

    async def collaborator(self, repo: Repo, login: Login) -> Collaborator | None:
        """Return who has this login now, and with what right.

        None for a name that GitHub does not know.
        """
        ...

    async def permission(self, repo: Repo, account: Account) -> Permission:
        """Return the right that the account has now.

        NONE for strangers, and where its login is another's by now.
        """
        ...

    async def is_team_member(self, org: str, team: str, login: Login) -> bool:
        """Whether the user is an active member of the team `org/team` (slug)."""
        ...

    async def team_permission(self, repo: Repo, org: str, team: str) -> Permission:
        """Return the right that a team has on a repository, inherited ones too.

        NONE where there is no such team.
        """
        ...

    async def own_login(self) -> Login:
        """Return the login of the App's own bot account."""
        ...

    async def branch_head(self, repo: Repo, branch: str) -> Sha:
        """Return the commit at the tip of a branch."""
        ...

    async def file(self, repo: Repo, path: str, ref: str) -> str | None:
        """Return a text file at a ref, None when there is none."""
        ...

    async def reviews(self, repo: Repo, number: int) -> Sequence[Review]:
        """Return the submitted reviews of a pull request, without those of deleted users."""
        ...

    async def committers(self, repo: Repo, number: int) -> Mapping[Sha, frozenset[Account]]:
        """Return commit -> the users who wrote or committed it, for each commit of a pull request.

        GitHubError when it has more commits than GitHub lists, so that not all of them can be known.
        """
        ...

    async def comment(self, repo: Repo, number: int, body: str, *, asked: bool = False) -> Posted:
        """Write a comment.

        An answer to a command (`asked`) overtakes others that wait for GitHub's limits.
        """
        ...

    async def update_comment(self, repo: Repo, comment_id: int, body: str, *, asked: bool = False) -> Posted:
        """Replace a comment's body; GitHubNotFoundError when it was deleted."""
        ...

    async def find_comment(self, repo: Repo, number: int, marker: str) -> Posted | None:
        """Return the App's newest comment whose first line holds `marker`, and when it was written.

        It makes writing a comment repeatable: before a retried write, look whether the first one arrived.
        """
        ...

    async def minimize_comment(self, repo: Repo, comment_id: int, *, node_id: str | None = None) -> None:
        """Fold an outdated comment; a comment that is gone is not an error.

        Its `node_id` is read where it is not known.
        """
        ...

    async def react(self, repo: Repo, comment_id: int, content: str) -> None:
        """Add a reaction (`eyes`, `rocket`, `confused`); a comment that is gone is not an error."""
        ...

    async def create_check(self, repo: Repo, check: Check, *, in_doubt: bool = False) -> int:
        """Create a check run with all its annotations; returns its id.

        `in_doubt`: an earlier call may have created it, so that it is looked for first (by `external_id`), and given
        only the annotations that it lacks.
        """
        ...

    async def update_check(self, repo: Repo, check_id: int, check: Check) -> bool:
        """Update a check run; its annotations are left as they were created.

        Returns whether it is in that state now: GitHub answers as usual, and changes nothing, where one is completed.
        """
        ...

    async def create_deployment(
        self, repo: Repo, ref: Sha, environment: str, description: str, *, in_doubt: bool = False
    ) -> int:
        """Create a deployment without merging and without required contexts; returns its id.

        `in_doubt`: as above; it is known again by its description.
        """
        ...

    async def set_deployment_status(
        self, repo: Repo, deployment_id: int, state: str, description: str, log_url: str
    ) -> None:
        """Record a state of a deployment (`in_progress`, `success`, `failure`, `error`, `inactive`)."""
        ...

    async def git_token(self, repo: Repo) -> str:
        """Return a token that can only read this repository, valid for at least ten minutes."""
        ...

    async def module_token(self, repo: Repo, names: Sequence[str]) -> str:
        """Return a token that can only read the repositories `names` of the owner of `repo`.

        GitHubError when the App is not installed on one of them.
        """
        ...

    async def check_credentials(self) -> str:
        """Return the App's name; used by doctor and readiness."""
        ...
