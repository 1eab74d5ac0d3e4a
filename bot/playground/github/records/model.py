"""What the stand-in remembers: mutable records, kept between starts as JSON.

Times are seconds since the epoch. Accounts are referred to by login, repositories by
`owner/name` in the spelling they were created with.
"""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from bot.playground.github.records.checks import CheckRun, CheckSuite, CommitStatus, Deployment
from bot.playground.github.records.record import Record
from bot.playground.github.records.rules import Ruleset


class Role(StrEnum):
    """A collaborator's role, weakest first; GitHub's `role_name`."""

    NONE = "none"
    READ = "read"
    TRIAGE = "triage"
    WRITE = "write"
    MAINTAIN = "maintain"
    ADMIN = "admin"

    def at_least(self, other: "Role") -> bool:
        """Whether this role may do what `other` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)

    @property
    def legacy(self) -> str:
        """GitHub's older four-valued `permission`."""
        shorter = {Role.TRIAGE: Role.READ, Role.MAINTAIN: Role.WRITE}
        return shorter.get(self, self).value


class Account(Record):
    """A user, an organisation, the App's bot user, or the mannequin of an imported author."""

    id: int
    login: str
    earlier_logins: list[str] = Field(default_factory=list)
    type: Literal["User", "Bot", "Organization", "Mannequin"] = "User"
    name: str | None = None
    note: str = ""
    members: dict[str, str] = Field(default_factory=dict)
    created_at: float = 0.0


class Team(Record):
    """A team of an organisation; `members` maps login to member or maintainer."""

    id: int
    org: str
    slug: str
    name: str
    members: dict[str, str] = Field(default_factory=dict)
    pending: list[str] = Field(default_factory=list)


class Label(Record):
    """A label of a repository."""

    id: int
    name: str
    color: str = "ededed"


class Issue(Record):
    """An issue, and the part of a pull request that is an issue."""

    id: int
    issue_id: int
    number: int
    author: str
    title: str
    body: str | None = None
    state: Literal["open", "closed"] = "open"
    labels: list[str] = Field(default_factory=list)
    created_at: float
    updated_at: float
    closed_at: float | None = None
    closed_by: str | None = None
    via_app: bool = False


class AutoMerge(Record):
    """Who has asked GitHub to merge a pull request once its requirements are met, and how."""

    enabled_by: str
    method: Literal["merge", "squash", "rebase"] = "merge"


class Pull(Issue):
    """A pull request; `base_sha` is the base's tip when it was last synchronised."""

    head_repo: str
    head_ref: str
    head_sha: str
    base_ref: str
    base_sha: str
    draft: bool = False
    merged: bool = False
    merged_at: float | None = None
    merged_by: str | None = None
    merge_commit_sha: str | None = None
    auto_merge: AutoMerge | None = None


class QueueEntry(Record):
    """A pull request in the merge queue, and the commit that its turn would make the base's tip."""

    number: int
    base_ref: str
    branch: str
    base_sha: str
    head_sha: str


class Review(Record):
    """A review; `state` is upper case, as REST writes it."""

    id: int
    repo: str
    number: int
    author: str
    state: Literal["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED"]
    body: str = ""
    commit_id: str
    submitted_at: float


class Repo(Record):
    """A repository; its objects live in a bare git repository on disk."""

    id: int
    owner: str
    name: str
    private: bool = True
    default_branch: str = "main"
    description: str | None = None
    fork_of: str | None = None
    installed: bool = False
    collaborators: dict[str, Role] = Field(default_factory=dict)
    team_roles: dict[str, Role] = Field(default_factory=dict)
    labels: dict[str, Label] = Field(default_factory=dict)
    issues: dict[int, Issue] = Field(default_factory=dict)
    pulls: dict[int, Pull] = Field(default_factory=dict)
    queue: list[QueueEntry] = Field(default_factory=list)
    created_at: float
    pushed_at: float

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"

    def thread(self, number: int) -> Issue | None:
        """The issue or pull request of that number."""
        return self.pulls.get(number) or self.issues.get(number)


class Comment(Record):
    """A comment on an issue or pull request."""

    id: int
    repo: str
    number: int
    author: str
    body: str
    created_at: float
    updated_at: float
    via_app: bool = False
    minimized: str | None = None
    earlier_bodies: list[str] = Field(default_factory=list)


class Reaction(Record):
    """A reaction on a comment."""

    id: int
    comment_id: int
    author: str
    content: str
    created_at: float


class Activity(Record):
    """A move of a branch; `actor` is the account's id, `kind` GitHub's `activity_type`."""

    id: int
    repo: str
    ref: str
    before: str
    after: str
    kind: str
    actor: int
    at: float


class Installation(Record):
    """The App's installation on one account."""

    id: int
    account: str
    permissions: dict[str, str]
    events: list[str]
    created_at: float
    suspended: bool = False
    suspended_by: str | None = None


class Token(Record):
    """A bearer token; exactly one of `installation_id` and `user` is set."""

    installation_id: int | None = None
    user: str | None = None
    repositories: list[int] | None = None
    permissions: dict[str, str] = Field(default_factory=dict)
    expires_at: float | None = None


class Delivery(Record):
    """One attempt to deliver a webhook; the body lies in a file of its own, named by GUID."""

    id: int
    guid: str
    event: str
    action: str | None = None
    installation_id: int | None = None
    repository_id: int | None = None
    created_at: float
    delivered_at: float | None = None
    duration: float = 0.0
    redelivery: bool = False
    status: str = "pending"
    status_code: int = 0
    answer: str = ""


class GateReview(Record):
    """An answer to a deployment protection rule."""

    repo: str
    run_id: int
    environment_name: str
    state: str | None = None
    comment: str | None = None


class Data(Record):
    """All records, as written to disk."""

    small_id: int = 100
    large_id: int = 2_900_000_000
    accounts: dict[str, Account] = Field(default_factory=dict)
    teams: dict[str, Team] = Field(default_factory=dict)
    repos: dict[str, Repo] = Field(default_factory=dict)
    installations: dict[int, Installation] = Field(default_factory=dict)
    comments: dict[int, Comment] = Field(default_factory=dict)
    reactions: dict[int, Reaction] = Field(default_factory=dict)
    reviews: dict[int, Review] = Field(default_factory=dict)
    check_suites: dict[int, CheckSuite] = Field(default_factory=dict)
    check_runs: dict[int, CheckRun] = Field(default_factory=dict)
    deployments: dict[int, Deployment] = Field(default_factory=dict)
    commit_statuses: dict[int, CommitStatus] = Field(default_factory=dict)
    rulesets: dict[int, Ruleset] = Field(default_factory=dict)
    tokens: dict[str, Token] = Field(default_factory=dict)
    deliveries: dict[int, Delivery] = Field(default_factory=dict)
    activities: list[Activity] = Field(default_factory=list)
    gate_reviews: list[GateReview] = Field(default_factory=list)
