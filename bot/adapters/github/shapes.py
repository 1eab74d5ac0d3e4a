"""The parts of GitHub's answers that Gatewright uses, checked where they enter."""

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

from bot.domain.approvals import Review
from bot.domain.errors import GitHubError
from bot.domain.model import Login, Permission, PullRequest, Sha

T = TypeVar("T")
HexSha = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
GHOST = "ghost"
"""The user whom GitHub shows in place of a deleted one."""
_LEGACY = {
    Permission.NONE: "none",
    Permission.READ: "read",
    Permission.TRIAGE: "read",
    Permission.WRITE: "write",
    Permission.MAINTAIN: "write",
    Permission.ADMIN: "admin",
}


class Shape(BaseModel):
    """A part of an answer; fields that are not used are not looked at."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Identified(Shape):
    """Anything with an id."""

    id: int


class Account(Shape):
    """A user, an organisation or a bot."""

    login: str
    type: str = "User"


class AccessToken(Shape):
    """An installation token; of any length, and never printed."""

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
    """Head of a pull request; `repo` is null where a fork was deleted."""

    ref: str
    sha: HexSha
    repo: RepositoryRef | None


class Base(Shape):
    """Base of a pull request, always in its own repository."""

    ref: str
    sha: HexSha
    repo: RepositoryShape


class PullShape(Shape):
    """A pull request, from its own address or from a list."""

    number: int
    title: str
    user: Account | None
    state: str
    draft: bool = False
    merged_at: AwareDatetime | None = None
    merge_commit_sha: HexSha | None = None
    head: Tip
    base: Base
    comments: int = 0
    """How many comments it has; only from its own address."""

    def as_pull(self) -> PullRequest:
        """Return the domain's value.

        Newer versions of GitHub's API have no `merge_commit_sha`, and on an open pull request it is a
        trial merge; so it is only told for merged ones, where there is one.
        """
        head, base = self.head.repo, self.base.repo
        merged = self.merged_at is not None
        return PullRequest(
            number=self.number,
            title=self.title,
            author=Login(GHOST if self.user is None else self.user.login),
            state=self.state,
            merged=merged,
            draft=self.draft,
            head_sha=Sha(self.head.sha),
            head_ref=self.head.ref,
            head_repo=None if head is None else head.full_name,
            base_ref=self.base.ref,
            base_sha=Sha(self.base.sha),
            is_fork=head is None or head.full_name.lower() != base.full_name.lower(),
            merge_commit=Sha(self.merge_commit_sha) if merged and self.merge_commit_sha else None,
            merged_at=self.merged_at,
        )


class PermissionShape(Shape):
    """A user's right; older servers have no `role_name`."""

    permission: str
    role_name: str | None = None

    def as_permission(self) -> Permission:
        """Return the role, or for a custom role (whose name may be anything) the right it is based on."""
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


class ReviewShape(Identified):
    """A review; a draft has not been submitted, and the user of a deleted account is null."""

    user: Account | None
    state: str
    commit_id: HexSha | None = None
    submitted_at: AwareDatetime | None = None

    def as_review(self) -> Review | None:
        """Return the domain's value, None for what is nobody's opinion."""
        if self.user is None or self.submitted_at is None:
            return None
        return Review(
            id=self.id,
            user=Login(self.user.login),
            state=self.state.upper(),
            commit_id=None if self.commit_id is None else Sha(self.commit_id),
            submitted_at=self.submitted_at,
        )


class Person(Shape):
    """The user behind a commit's address; GitHub may also answer with an empty object."""

    login: str | None = None


class CommitShape(Shape):
    """A commit; author and committer are null where GitHub knows no user with their address."""

    author: Person | None
    committer: Person | None


class GitObject(Shape):
    """What a git reference points to."""

    sha: HexSha


class GitRef(Shape):
    """A git reference by its full name."""

    ref: str
    object: GitObject


class Content(Shape):
    """A file; `encoding` is `none` and the content empty above 1 MB."""

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
        """The line that holds our marker, where the comment is ours."""
        return (self.body or "").split("\n", 1)[0].rstrip("\r")


class IssueShape(Shape):
    """An issue."""

    number: int
    body: str | None = None

    @property
    def first_line(self) -> str:
        """The line that holds our marker, where the issue is ours."""
        return (self.body or "").split("\n", 1)[0].rstrip("\r")


class CheckOutput(Shape):
    """What a check run shows, of which only the number of annotations is of use."""

    annotations_count: int = 0


class CheckRun(Identified):
    """A check run."""

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
    """Return an answer as a shape; GitHubError names the fields that are not as documented."""
    try:
        return TypeAdapter(shape).validate_python(data)
    except ValidationError as error:
        places = {".".join(str(part) for part in each["loc"]) or "the whole" for each in error.errors()}
        wrong = ", ".join(sorted(places)[:5])
        # The chain is cut: pydantic's message shows the values, and one of them may be a token.
        raise GitHubError(f"{doing}: GitHub's answer is not as documented ({wrong})") from None


class HookDelivery(Shape):
    """One attempt to deliver a webhook."""

    id: int
    guid: str
    event: str
    delivered_at: AwareDatetime
    status_code: int
    """0 where there was no answer."""
