"""The outside world as Gatewright needs it: small protocols, named by the need.

Adapters implement them and translate library errors into `bot.domain.errors`; `bot.app` picks the adapters.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from bot.domain.approvals import Review
from bot.domain.model import (
    DeliveryId,
    FailureClass,
    Login,
    Permission,
    PlanId,
    PlanStatus,
    PullRequest,
    Repo,
    Run,
    RunId,
    RunKind,
    RunStatus,
    Sha,
    Stack,
    StateIdentity,
    StateKey,
)
from bot.domain.plan import Lock, PlanRecord


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        ...


# --- GitHub -----------------------------------------------------------------------------------------------


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


class GitHub(Protocol):
    """Everything Gatewright asks of GitHub; each call retries what may be retried, then raises GitHubError."""

    async def repository(self, full_name: str) -> Repo:
        """Return the repository with its installation and default branch."""
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

    async def minimize_comment(self, repo: Repo, comment_id: int) -> None:
        """Fold an outdated comment; a comment that is gone is not an error."""
        ...

    async def react(self, repo: Repo, comment_id: int, content: str) -> None:
        """Add a reaction (`eyes`, `rocket`, `confused`); a comment that is gone is not an error."""
        ...

    async def create_check(self, repo: Repo, check: Check) -> int:
        """Create a check run; returns its id."""
        ...

    async def update_check(self, repo: Repo, check_id: int, check: Check) -> None:
        """Update a check run."""
        ...

    async def create_deployment(self, repo: Repo, ref: Sha, environment: str, description: str) -> int:
        """Create a deployment without merging and without required contexts; returns its id."""
        ...

    async def set_deployment_status(
        self, repo: Repo, deployment_id: int, state: str, description: str, log_url: str
    ) -> None:
        """Record a state of a deployment (`in_progress`, `success`, `failure`, `error`, `inactive`)."""
        ...

    async def git_token(self, repo: Repo) -> str:
        """Return a token that can only read this repository's contents, valid for at least ten minutes."""
        ...

    async def check_credentials(self) -> str:
        """Return the App's name; used by doctor and readiness."""
        ...


# --- Git workspace ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """The merge of a head into a base, made without touching a work tree."""

    tree: str
    """Git tree id."""
    merge_base: Sha
    changed_files: tuple[str, ...]
    """Paths that the head changes against the merge base, both names of a rename."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A directory of a stack in which Terraform works; it is reused, and held by an exclusive file lock."""

    name: str
    """Stable directory name, recorded with each plan: the plan is applied at the same path."""
    tree: Path
    """The checked-out files; in the sandbox it is mounted at `/work`."""
    data_dir: Path
    """TF_DATA_DIR, outside the tree."""
    scratch: Path
    """Plan file, logs and credentials files of the run in work; emptied when the slot is released."""
    lock_fd: int
    """Descriptor of the slot's lock; a child that inherits it keeps the slot held after a crash."""


class Workspace(Protocol):
    """Mirrors of repositories and the slots their trees are checked out in."""

    async def fetch(self, repo: Repo, token: str, refs: Sequence[str]) -> None:
        """Bring the bare mirror up to date with `refs` (full ref names or commit ids)."""
        ...

    async def merge(self, repo: Repo, *, base: Sha, head: Sha) -> Merge:
        """Merge head into base in the mirror; MergeConflictError names the paths."""
        ...

    async def tree_files(self, repo: Repo, tree: str) -> Mapping[str, str]:
        """Return path -> blob id for every file of a tree or commit."""
        ...

    async def read_file(self, repo: Repo, tree: str, path: str) -> str | None:
        """Return the text of one file of a tree or commit, None when it is not there."""
        ...

    async def read_blobs(self, repo: Repo, blobs: Sequence[str]) -> Mapping[str, str]:
        """Return blob id -> text for many blobs at once (undecodable bytes replaced)."""
        ...

    def slot(self, stack: Stack, *, name: str | None = None) -> AbstractAsyncContextManager[Slot]:
        """Hold a slot: any free one of the stack, or the named one (waits while somebody works in it)."""
        ...

    async def checkout(self, repo: Repo, slot: Slot, tree: str) -> None:
        """Make the slot's tree exactly the git tree; raises UnsafeTreeError as DESIGN's rules say."""
        ...

    async def pack(self, slot: Slot) -> bytes:
        """Return the slot's tree and data directory (without provider binaries) as a compressed archive."""
        ...

    async def unpack(self, slot: Slot, bundle: bytes) -> None:
        """Make the slot what `pack` saw."""
        ...

    def state_lock(self, key: StateKey, *, exclusive: bool) -> AbstractAsyncContextManager[int]:
        """Hold this machine's file lock of a state key: shared for plans, exclusive for changes.

        Yields the descriptor. A Terraform process that inherits it keeps it after the bot has died.
        """
        ...


# --- Terraform --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Which program runs: `terraform` or `tofu`, with the exact version that the policy names."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """Where a stack's state lives, and the key pair that may reach it for this purpose."""

    endpoint_url: str
    region: str
    bucket: str
    key: StateKey
    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)


OnLine = Callable[[str], None]
"""Called with each complete, already redacted line of Terraform's output, in order."""
Stop = Callable[[], Awaitable[str | None]]
"""Asked about twice a second: None to go on, else who asked to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TerraformJob:
    """One stack in one slot, with everything a Terraform process may know."""

    slot: Slot
    directory: str
    """Root module, relative to the tree."""
    var_file: str | None
    """Relative to the tree."""
    engine: Engine
    backend: Backend
    environment: Mapping[str, str] = field(repr=False)
    """Credentials of this environment and purpose, prefix removed; nothing else is inherited."""
    redact: Callable[[str], str] = field(repr=False)
    """Removes every known secret value from a text."""
    timeout: float
    """Seconds for the whole job."""
    on_line: OnLine
    stop: Stop
    keep_fds: tuple[int, ...] = ()
    """Descriptors that the process inherits (locks); only for changes."""
    dies_with_parent: bool = True
    """True for plans; False for anything that changes state (see the crash rules)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOutput:
    """What `terraform plan` and `show` produced; `json` holds secrets in clear and is never stored as it is."""

    plan_file: Path
    json: Mapping[str, Any] = field(repr=False)
    text: str = field(repr=False)
    warnings: tuple[str, ...] = ()
    lock_file: str | None = None
    """Text of `.terraform.lock.hcl` after init, None when no provider is used."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Wall time per part: init, plan, show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOutput:
    """How `terraform apply PLANFILE` ended; a failure is not an exception, because state may have changed."""

    exit_code: int
    stopped_by: str | None
    timed_out: bool
    log_tail: str
    """Last lines, redacted."""
    errored_state: bool
    """Whether Terraform left an `errored.tfstate` because it could not save the state."""
    outputs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """`terraform output -json` after a success; sensitive values in clear."""


class Terraform(Protocol):
    """Terraform or OpenTofu, run without a shell, in the sandbox where there is one."""

    async def installed(self, engine: Engine) -> str:
        """Return the version on this machine; EngineChangedError when it is not `engine.version`."""
        ...

    async def plan(self, job: TerraformJob, arguments: Sequence[str], *, destroy: bool = False) -> PlanOutput:
        """Init (unless a warm data directory makes it needless), plan to a file, show. Raises TerraformError."""
        ...

    async def apply(self, job: TerraformJob, plan_file: Path) -> ApplyOutput:
        """Apply exactly this plan file; init only what unpacking cannot restore. Output goes to a file."""
        ...


# --- Object store -----------------------------------------------------------------------------------------


class ObjectStore(Protocol):
    """One bucket. Errors: ObjectMissingError, ObjectExistsError, StoreError."""

    async def put(self, key: str, data: bytes, *, create_only: bool = False) -> None:
        """Write an object; with `create_only` an existing one is ObjectExistsError."""
        ...

    async def get(self, key: str) -> bytes:
        """Return an object's bytes."""
        ...

    async def delete(self, key: str) -> None:
        """Delete an object; a missing one is not an error."""
        ...

    async def list(self, prefix: str) -> Sequence[str]:
        """Return the keys under a prefix, sorted."""
        ...

    async def probe(self) -> None:
        """Prove that create-if-absent is honoured; StoreError says what is wrong."""
        ...


class Cipher(Protocol):
    """Authenticated encryption of what must not be readable in the bucket."""

    def seal(self, data: bytes, *, context: str) -> bytes:
        """Encrypt; `context` (the object key) must be given again to open."""
        ...

    def open(self, data: bytes, *, context: str) -> bytes:
        """Decrypt; IntegrityError when bytes or context differ."""
        ...


# --- Records ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A webhook delivery as it arrived."""

    id: DeliveryId
    event: str
    action: str | None
    repo: str | None
    pull: int | None
    payload: bytes = field(repr=False)
    received_at: datetime
    outcome: str | None = None
    """None until handled; then `handled`, `ignored` or `failed`."""
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A durable workflow to start."""

    workflow: str
    """`handle_delivery`, `execute_plan` or `execute_change`."""
    id: str
    """Unique; enqueuing the same id twice starts it once."""
    argument: str
    """Delivery id or run id."""
    queue: str
    """`inbox`, `plans` or `changes`."""
    partition: str | None
    """FIFO key inside the queue: `owner/repo#pull` for the inbox, the state key for changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run to be recorded and started."""

    id: RunId
    kind: RunKind
    stack: Stack
    installation_id: int
    pull: int | None
    head_sha: Sha | None
    base_sha: Sha | None
    actor: Login
    comment_id: int | None
    plan_id: PlanId | None
    arguments: tuple[str, ...]
    policy_digest: str | None
    correlation_id: str
    dedupe_key: str
    """A second run with the same key is not recorded: repeated steps create nothing twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One transition of a run."""

    run_id: RunId
    status: RunStatus
    at: datetime
    actor: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateVersion:
    """A snapshot of a state object."""

    state_key: StateKey
    identity: StateIdentity
    object_key: str | None
    """None when there was no state yet."""
    commit: Sha | None
    actor: Login
    run_id: RunId
    moment: str
    """`before` or `after`."""
    taken_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """An encrypted output of an apply."""

    run_id: RunId
    name: str
    object_key: str
    created_at: datetime


class Reader(Protocol):
    """Reads inside one transaction."""

    async def delivery(self, id: DeliveryId) -> Delivery | None: ...
    async def run(self, id: RunId) -> Run | None: ...
    async def runs(
        self,
        *,
        repo: str | None = None,
        pull: int | None = None,
        state_key: StateKey | None = None,
        kinds: Sequence[RunKind] = (),
        statuses: Sequence[RunStatus] = (),
        limit: int = 100,
    ) -> Sequence[Run]:
        """Return runs, newest first; empty filters mean any."""
        ...

    async def timeline(self, run_id: RunId) -> Sequence[TimelineEntry]: ...
    async def plan(self, id: PlanId) -> PlanRecord | None: ...
    async def plans(
        self,
        *,
        repo: str,
        pull: int | None = None,
        stack: Stack | None = None,
        statuses: Sequence[PlanStatus] = (),
        limit: int = 100,
    ) -> Sequence[PlanRecord]:
        """Return plans, newest first (`stack` compares repo, project and env)."""
        ...

    async def pushers(self, repo: str, pull: int) -> frozenset[Login]:
        """Return who pushed to a pull request, as far as GitHub's deliveries told us."""
        ...

    async def lock(self, stack: Stack) -> Lock | None: ...
    async def locks(self, *, repo: str, pull: int | None = None) -> Sequence[Lock]: ...
    async def remote_id(self, repo: str, key: str) -> int | None:
        """Return the id GitHub gave something we created (a comment, a check, a deployment)."""
        ...

    async def newest_state_version(self, state_key: StateKey) -> StateVersion | None: ...
    async def state_versions(self, state_key: StateKey, *, limit: int = 50) -> Sequence[StateVersion]: ...
    async def artifacts(self, run_id: RunId) -> Sequence[Artifact]: ...


class Writer(Reader, Protocol):
    """Reads and writes inside one transaction (`BEGIN IMMEDIATE` on SQLite)."""

    async def add_delivery(self, delivery: Delivery) -> bool:
        """Record a delivery; False when its GUID is known."""
        ...

    async def finish_delivery(self, id: DeliveryId, outcome: str, note: str) -> None: ...
    async def claim_comment(self, repo: str, comment_id: int, delivery_id: DeliveryId) -> bool:
        """Whether this delivery is the one that handles the comment (true again for the same delivery)."""
        ...

    async def add_pusher(self, repo: str, pull: int, login: Login) -> None:
        """Record who pushed to a pull request, once."""
        ...

    async def enqueue(self, job: Job) -> None:
        """Start a durable workflow when this transaction commits."""
        ...

    async def add_run(self, run: NewRun, at: datetime) -> Run | None:
        """Record a queued run with its first timeline row; None when its dedupe key is known."""
        ...

    async def move_run(
        self,
        id: RunId,
        status: RunStatus,
        *,
        at: datetime,
        actor: str,
        why: str,
        failure_class: FailureClass | None = None,
        plan_id: PlanId | None = None,
    ) -> bool:
        """Record a transition and its timeline row; False when `lifecycle.may_move` forbids it."""
        ...

    async def set_result(self, id: RunId, *, summary: str, detail: Mapping[str, Any]) -> None:
        """Record what the report will say; called before the move to a terminal status."""
        ...

    async def request_cancel(self, id: RunId, by: Login) -> None: ...
    async def record_intent(self, id: RunId, at: datetime) -> None: ...
    async def add_plan(self, plan: PlanRecord) -> None: ...
    async def set_plan_status(self, id: PlanId, status: PlanStatus, reason: str | None) -> None: ...
    async def mark_posted(self, id: PlanId, at: datetime) -> None: ...
    async def take_lock(self, lock: Lock) -> Lock:
        """Take the lock if it is free; returns the lock that is now in force, ours or another's."""
        ...

    async def release_lock(self, stack: Stack) -> None: ...
    async def set_remote_id(self, repo: str, key: str, remote_id: int) -> None: ...
    async def add_state_version(self, version: StateVersion) -> None: ...
    async def add_artifact(self, artifact: Artifact) -> None: ...
    async def record_policy(self, repo: str, digest: str, text: str, commit: Sha, at: datetime) -> None:
        """Record a version of the policy once per repository and digest."""
        ...


class Records(Protocol):
    """The bot's database."""

    def read(self) -> AbstractAsyncContextManager[Reader]: ...
    def write(self) -> AbstractAsyncContextManager[Writer]: ...
    async def check(self) -> None:
        """Prove that the database answers and has the code's schema; raises GatewrightError."""
        ...
