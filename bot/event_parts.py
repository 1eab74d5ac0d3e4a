"""Parts of webhook payloads, as frozen border models.

Fields that GitHub may omit or set to null (deleted users, deleted forks) are optional. Field types are
strict: a number in quotes is not a number.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from bot.domain.core import accounts

Number = Annotated[int, Field(ge=0, lt=2**63)]
"""GitHub's ids exceed 32 bits; the databases store 64."""
HexSha = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
FullName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}$")]


Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x20/]{1,100}$")]
"""A login or an action: one word without control characters, which databases reject."""


class Part(BaseModel):
    """A part of a payload; unused fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Account(Part):
    """A user, bot or organisation."""

    login: Name
    id: Number | None = None
    """GitHub always sends it; events recorded by an older version lack it."""
    type: str = "User"

    @property
    def is_bot(self) -> bool:
        """Whether it is not a person."""
        return self.type == "Bot"

    @property
    def account(self) -> accounts.Account:
        """Return the domain's value."""
        return accounts.Account(login=accounts.Login(self.login), id=self.id, is_bot=self.is_bot)


class App(Part):
    """A GitHub App."""

    id: Number
    slug: str | None = None


class Installation(Part):
    """An installation of our App."""

    id: Number


class Repository(Part):
    """The repository of an event."""

    id: Number
    full_name: FullName
    name: str
    owner: Account
    default_branch: str | None = None
    fork: bool = False


class RepositoryRef(Part):
    """A repository named inside a pull request."""

    id: Number
    full_name: FullName


class Tip(Part):
    """Head or base of a pull request; the repository is null if a fork was deleted."""

    ref: str
    sha: HexSha
    repo: RepositoryRef | None = None


class PullRequest(Part):
    """A pull request at the time of the event; in reviews GitHub omits `merged`."""

    number: Number
    title: str
    state: str
    user: Account | None
    draft: bool | None = None
    merged: bool | None = None
    head: Tip
    base: Tip


class Issue(Part):
    """An issue; a pull request is an issue with `pull_request`."""

    number: Number
    title: str = ""
    state: str = "open"
    user: Account | None = None
    pull_request: dict[str, Any] | None = None

    @property
    def is_pull(self) -> bool:
        """Whether it is a pull request."""
        return self.pull_request is not None


class Comment(Part):
    """A comment on an issue or pull request."""

    id: Number
    body: str | None
    created_at: AwareDatetime
    user: Account | None
    performed_via_github_app: App | None = None

    @property
    def is_by_a_machine(self) -> bool:
        """Whether a bot or an App wrote it; only comments of people are commands."""
        return self.performed_via_github_app is not None or (self.user is not None and self.user.is_bot)


class Changed(Part):
    """The earlier value of an edited field."""

    before: str | None = Field(default=None, alias="from")


class ChangedBase(Part):
    """The earlier base of a pull request."""

    ref: Changed | None = None
    sha: Changed | None = None


class Changes(Part):
    """Earlier values of fields that an `edited` event changed; None for others."""

    title: Changed | None = None
    body: Changed | None = None
    base: ChangedBase | None = None


class Review(Part):
    """A review; webhooks write its state in lower case."""

    id: Number
    state: str
    user: Account | None
    commit_id: HexSha | None = None
    submitted_at: AwareDatetime | None = None
    body: str | None = None


class Label(Part):
    """A label that was added or removed."""

    name: str


class RepositoryId(Part):
    """A repository named by its id alone."""

    id: Number


class PullRefTip(Part):
    """The base of a pull request that a check run belongs to."""

    repo: RepositoryId | None = None


class PullRef(Part):
    """A pull request that a check run belongs to."""

    number: Number
    base: PullRefTip | None = None

    @property
    def repository_id(self) -> int | None:
        """Id of the repository that the pull request is opened against."""
        return None if self.base is None or self.base.repo is None else self.base.repo.id


class CheckRun(Part):
    """A check run; for the head of a fork GitHub lists no pull requests."""

    id: Number
    name: str
    head_sha: HexSha
    external_id: str | None = None
    app: App | None = None
    pull_requests: tuple[PullRef, ...] = ()

    def pull_in(self, repository: Repository | None) -> int | None:
        """Return the number of its pull request in a repository, None unless there is exactly one.

        A commit may also be the head of a pull request in another repository, such as a fork's parent.
        """
        here = None if repository is None else repository.id
        mine = [each.number for each in self.pull_requests if each.repository_id in {None, here}]
        return mine[0] if len(mine) == 1 else None


class CheckSuite(Part):
    """All check runs of an App on a commit."""

    id: Number
    head_sha: HexSha
    app: App | None = None


class RequestedAction(Part):
    """The button that was pressed."""

    identifier: str


class MergeGroup(Part):
    """The merge group of a merge queue; refs are full names."""

    head_sha: HexSha
    head_ref: str
    base_sha: HexSha
    base_ref: str
