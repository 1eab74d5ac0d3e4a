"""Models of the parts of GitHub's answers that Gatewright uses."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from bot.domain.core import accounts
from bot.domain.core.accounts import Login
from bot.domain.core.errors import GitHubError
from bot.domain.core.model import Permission, PullRequest, Sha
from bot.domain.gates.approvals import Review
from bot.domain.gates.pushes import Push

T = TypeVar("T")
HexSha = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
_LEGACY = {
    Permission.NONE: "none",
    Permission.READ: "read",
    Permission.TRIAGE: "read",
    Permission.WRITE: "write",
    Permission.MAINTAIN: "write",
    Permission.ADMIN: "admin",
}


class Shape(BaseModel):
    """A part of an answer; unused fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Identified(Shape):
    """An object with an id."""

    id: int


class Account(Shape):
    """A user, an organisation or a bot."""

    login: str
    id: int
    type: str = "User"

    @property
    def account(self) -> accounts.Account:
        """The domain's value."""
        return accounts.Account(login=Login(self.login), id=self.id, is_bot=self.type == "Bot")


class AccessToken(Shape):
    """An installation token, never printed."""

    token: str = Field(min_length=1, repr=False)
    expires_at: AwareDatetime


class InstallationRef(Identified):
    """An installation of the App."""

    account: Account | None = None


class AppInfo(Identified):
    """The App itself."""

    name: str
    slug: str


class RepositoryShape(Shape):
    """A repository."""

    name: str
    full_name: str
    owner: Account
    default_branch: str


class RepositoryRef(Shape):
    """A repository named inside something else."""

    full_name: str


class Tip(Shape):
    """Head of a pull request; `repo` is null if the fork was deleted."""

    ref: str
    sha: HexSha
    repo: RepositoryRef | None


class Base(Shape):
    """Base of a pull request, always in the repository of the pull request."""

    ref: str
    sha: HexSha
    repo: RepositoryShape


class PullShape(Shape):
    """A pull request, as a single object or from a list."""

    number: int
    title: str
    user: Account | None
    state: str
    draft: bool = False
    merged_at: AwareDatetime | None = None
    merged_by: Account | None = None
    """Missing in lists."""
    merge_commit_sha: HexSha | None = None
    head: Tip
    base: Base
    comments: int = 0
    """Number of comments; missing in lists."""

    def as_pull(self) -> PullRequest:
        """Return the domain's value."""
        head, base = self.head.repo, self.base.repo
        merged = self.merged_at is not None
        return PullRequest(
            number=self.number,
            title=self.title,
            author=accounts.GHOST if self.user is None else self.user.account,
            state=self.state,
            merged=merged,
            draft=self.draft,
            head_sha=Sha(self.head.sha),
            head_ref=self.head.ref,
            head_repo=None if head is None else head.full_name,
            base_ref=self.base.ref,
            base_sha=Sha(self.base.sha),
            is_fork=head is None or head.full_name.lower() != base.full_name.lower(),
            # Of an open pull request this is a trial merge; newer versions of the API do not have it at all.
            merge_commit=Sha(self.merge_commit_sha) if merged and self.merge_commit_sha else None,
            merged_at=self.merged_at,
            merged_by=None if self.merged_by is None else self.merged_by.account,
        )


class PermissionShape(Shape):
    """A user's permission; older servers have no `role_name`."""

    permission: str
    role_name: str | None = None
    user: Account | None = None

    def as_permission(self) -> Permission:
        """Return the role; for a custom role, the permission it is based on."""
        # A custom role may have the name of a built-in one, so the name counts only if both fields agree.
        try:
            role = Permission(self.role_name or "")
        except ValueError:
            role = None
        if role is not None and _LEGACY[role] == self.permission:
            return role
        return Permission(self.permission) if self.permission in set(_LEGACY.values()) else Permission.NONE


class Membership(Shape):
    """A team membership: `active`, or `pending` while the invitation is open."""

    state: str


class TeamRights(Shape):
    """GitHub's booleans, each of which includes the weaker ones."""

    admin: bool = False
    maintain: bool = False
    push: bool = False
    triage: bool = False
    pull: bool = False


class TeamRepository(Shape):
    """A repository from the view of a team."""

    permissions: TeamRights = TeamRights()

    def as_permission(self) -> Permission:
        """Return the team's strongest permission."""
        held = self.permissions
        rights = (
            (held.admin, Permission.ADMIN),
            (held.maintain, Permission.MAINTAIN),
            (held.push, Permission.WRITE),
            (held.triage, Permission.TRIAGE),
            (held.pull, Permission.READ),
        )
        return next((right for holds, right in rights if holds), Permission.NONE)


class ActivityShape(Shape):
    """A move of a branch; the actor of a deleted account is null."""

    ref: str
    before: str
    after: str
    timestamp: AwareDatetime
    activity_type: str
    actor: Account | None

    def as_push(self) -> Push | None:
        """Return the domain's value; None for deletions and unknown actors."""
        if self.actor is None or self.activity_type == "branch_deletion":
            return None
        return Push(
            ref=self.ref,
            before=Sha(self.before),
            after=Sha(self.after),
            sender=self.actor.account,
            at=self.timestamp,
        )


class ReviewShape(Identified):
    """A review; drafts have no time, and the user of a deleted account is null."""

    user: Account | None
    state: str
    commit_id: HexSha | None = None
    submitted_at: AwareDatetime | None = None

    def as_review(self) -> Review | None:
        """Return the domain's value; None for drafts and deleted users."""
        if self.user is None or self.submitted_at is None:
            return None
        return Review(
            id=self.id,
            user=self.user.account,
            state=self.state.upper(),
            commit_id=None if self.commit_id is None else Sha(self.commit_id),
            submitted_at=self.submitted_at,
        )


class Person(Shape):
    """The user with a commit's address; GitHub may also answer with an empty object."""

    login: str | None = None
    id: int | None = None
    type: str = "User"

    @property
    def account(self) -> accounts.Account | None:
        """The domain's value."""
        if not self.login:
            return None
        return accounts.Account(login=Login(self.login), id=self.id, is_bot=self.type == "Bot")


class CommitShape(Shape):
    """A commit; author and committer are null if no user has their address."""

    sha: HexSha
    author: Person | None
    committer: Person | None

    @property
    def people(self) -> frozenset[accounts.Account]:
        """The accounts of author and committer, as far as GitHub knows them."""
        found = {None if person is None else person.account for person in (self.author, self.committer)}
        return frozenset(account for account in found if account is not None)


class GitObject(Shape):
    """The object that a git reference points to."""

    sha: HexSha


class GitRef(Shape):
    """A git reference by its full name."""

    ref: str
    object: GitObject


class Content(Shape):
    """A file; above 1 MB `encoding` is `none` and the content is empty."""

    type: str
    encoding: str | None = None
    content: str | None = None


class Comment(Identified):
    """A comment on an issue or pull request."""

    node_id: str
    body: str | None = None
    user: Account | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    performed_via_github_app: Identified | None = None

    @property
    def first_line(self) -> str:
        """The line that contains the marker if the comment is the App's."""
        return (self.body or "").split("\n", 1)[0].rstrip("\r")


class IssueShape(Shape):
    """An issue."""

    number: int
    body: str | None = None

    @property
    def first_line(self) -> str:
        """The line that contains the marker if the issue is the App's."""
        return (self.body or "").split("\n", 1)[0].rstrip("\r")


class CheckOutput(Shape):
    """The output of a check run; only the number of annotations is used."""

    annotations_count: int = 0


class CheckRun(Identified):
    """A check run."""

    status: str | None = None
    conclusion: str | None = None
    output: CheckOutput = CheckOutput()
    external_id: str | None = None
    started_at: AwareDatetime | None = None
    app: Identified | None = None


class CheckRuns(Shape):
    """A page of check runs."""

    check_runs: list[CheckRun]


class Deployment(Identified):
    """A deployment."""

    description: str | None = None
    created_at: AwareDatetime


def parse(shape: type[T], data: Any, doing: str) -> T:
    """Validate an answer; GitHubError names the fields that are not as documented."""
    try:
        return TypeAdapter(shape).validate_python(data)
    except ValidationError as error:
        places = {".".join(str(part) for part in each["loc"]) or "the whole" for each in error.errors()}
        wrong = ", ".join(sorted(places)[:5])
        # The cause is dropped: pydantic's message contains the values, and one of them may be a token.
        raise GitHubError(f"{doing}: GitHub's answer is not as documented ({wrong})") from None


class HookDelivery(Shape):
    """One attempt to deliver a webhook."""

    id: int
    guid: str
    event: str
    delivered_at: AwareDatetime
    status_code: int
    """0 if there was no answer."""
