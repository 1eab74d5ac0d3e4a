"""GitHub as Gatewright needs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.approvals import Review
from bot.domain.model import (
    Login,
    Permission,
    PullRequest,
    Repo,
    Sha,
)
from bot.ports.commit_checks import CommitChecks


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckButton:
    """A button on a check run; GitHub allows three, label <= 20, description <= 40, identifier <= 20 chars."""

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
    """What a check run shows. `conclusion` None means in progress."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A comment as GitHub stored it; `at` is GitHub's own time (whole seconds), comparable to other comments'."""

    id: int
    at: datetime
    node_id: str | None = None
    """What GraphQL calls it."""


class GitHub(CommitChecks, Protocol):
    """Everything Gatewright asks of GitHub; each call retries what may be retried, then raises GitHubError."""

    async def repository(self, full_name: str) -> Repo:
        """Return the repository with its installation and default branch."""
        ...

    async def known_repository(self, full_name: str) -> Repo:
        """Return the repository as this process read it last, for what is only written; it is read where it was not."""
        ...

    async def subject(self, full_name: str, number: int) -> tuple[Repo, PullRequest]:
        """Return a pull request and its repository as they are now, with one request."""
        ...

    async def pull(self, repo: Repo, number: int) -> PullRequest:
        """Return the pull request as it is now."""
        ...

    async def open_pulls(self, repo: Repo) -> Sequence[PullRequest]:
        """Return all open pull requests."""
        ...

    async def permission(self, repo: Repo, login: Login) -> Permission:
        """Return the right that the user has now; NONE for strangers."""
        ...

    async def is_team_member(self, org: str, team: str, login: Login) -> bool:
        """Whether the user is an active member of the team `org/team` (slug)."""
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

    async def committers(self, repo: Repo, number: int) -> frozenset[Login]:
        """Return the users who wrote or committed a commit of a pull request.

        GitHubError when it has more commits than GitHub lists, so that not all of them can be known.
        """
        ...

    async def comment(self, repo: Repo, number: int, body: str) -> Posted:
        """Write a comment."""
        ...

    async def update_comment(self, repo: Repo, comment_id: int, body: str) -> Posted:
        """Replace a comment's body; GitHubNotFoundError when somebody deleted it."""
        ...

    async def find_comment(self, repo: Repo, number: int, marker: str) -> int | None:
        """Return the id of the App's own newest comment whose first line holds `marker`, None when there is none.

        It makes writing a comment repeatable: before a retried write, look whether the first one arrived.
        """
        ...

    async def minimize_comment(self, repo: Repo, comment_id: int, *, node_id: str | None = None) -> None:
        """Fold an outdated comment; a comment that is gone is not an error. Its `node_id` is read where it is not known."""
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

    async def update_check(self, repo: Repo, check_id: int, check: Check) -> None:
        """Update a check run; its annotations are left as they were created."""
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
        """Return a token that can only read this repository's contents, valid for at least ten minutes."""
        ...

    async def module_token(self, repo: Repo, names: Sequence[str]) -> str:
        """Return a token that can only read the contents of `names`, repositories of the owner of `repo`.

        GitHubError when the App is not installed on one of them.
        """
        ...

    async def check_credentials(self) -> str:
        """Return the App's name; used by doctor and readiness."""
        ...
