"""Records of what the App reports on commits: check runs, statuses, deployments."""

from typing import Any

from pydantic import Field

from bot.playground.github.records.record import Record


class CheckSuite(Record):
    """All check runs of one commit."""

    id: int
    repo: str
    head_sha: str
    head_branch: str | None
    created_at: float
    app: str = ""
    """The slug of another App whose suite it is."""


class CheckRun(Record):
    """A check run; `output` and `actions` as they were sent."""

    id: int
    suite_id: int
    repo: str
    head_sha: str
    name: str
    external_id: str = ""
    details_url: str | None = None
    status: str = "queued"
    conclusion: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    created_at: float | None = None
    """None in a world that an older version kept."""
    rerequested: bool = False
    """Whether a new run of the name is requested: until it exists, the suite waits."""
    app: str = ""
    """The slug of another App that made it."""
    annotations: list[dict[str, Any]] = Field(default_factory=list)
    actions: list[dict[str, str]] = Field(default_factory=list)


class DeploymentStatus(Record):
    """One status of a deployment."""

    id: int
    state: str
    creator: str
    description: str = ""
    environment: str
    environment_url: str = ""
    log_url: str = ""
    created_at: float


class Deployment(Record):
    """A deployment with its statuses, oldest first."""

    id: int
    repo: str
    sha: str
    ref: str
    task: str = "deploy"
    payload: dict[str, Any] | str = Field(default_factory=dict)
    environment: str = "production"
    description: str | None = None
    creator: str
    transient_environment: bool = False
    production_environment: bool = False
    created_at: float
    updated_at: float
    statuses: list[DeploymentStatus] = Field(default_factory=list)


class CommitStatus(Record):
    """A commit status (the older sibling of the check run)."""

    id: int
    repo: str
    sha: str
    state: str
    context: str
    description: str | None = None
    target_url: str | None = None
    creator: str
    created_at: float
