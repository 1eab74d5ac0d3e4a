"""Terraform or OpenTofu, one job at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from bot.domain.core.model import (
    StateKey,
)
from bot.domain.plans.code_findings import CodeReport
from bot.domain.plans.fetched import Fetched
from bot.ports.workspace import Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Which program runs: `terraform` or `tofu`, with the exact version that the policy names."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """Location of a stack's state, and the key pair for this purpose."""

    endpoint_url: str
    region: str
    bucket: str
    key: StateKey
    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)


OVERRIDE_FILE = "zzzz_gatewright_backend_override.tf"
"""The engine's override file in a root module; of several, the last by name wins."""

PURPOSE_FILE = "purpose"
"""File in a slot's scratch directory: `READS`, or `CHANGES` from the first change on."""
READS = "reads"
"""No program there may write a state, so an errored state was made up by the code."""
CHANGES = "changes"

OnLine = Callable[[str], None]
"""Called with each complete, already redacted line of Terraform's output, in order."""
Stop = Callable[[], Awaitable[str | None]]
"""Called about twice a second: None to continue, else who requested the stop."""


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
    ephemeral_variables: tuple[str, ...] = ()
    """Variables whose values no plan file holds: an apply with any gets the var file again."""
    init_environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What `init` alone is given besides: the way to private modules."""
    declaration: str | None = None
    """Text of a file written beside the root module for this plan alone; its apply needs none."""
    modules: bytes | None = field(default=None, repr=False)
    """Archive of the modules to plan with, also if their addresses moved; None to fetch them."""


NO_FILES: Mapping[str, str] = MappingProxyType({})
TIMED_OUT = 124
"""The exit code of a program that took too long, as of `timeout(1)`."""


class PlanMode(StrEnum):
    """The kind of plan."""

    NORMAL = "normal"
    DESTROY = "destroy"
    REFRESH_ONLY = "refresh_only"
    """Only drift; applying such a plan changes the state alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedCode:
    """What `init` fetched for a plan, so that its apply has the very same."""

    digest: str
    """The fetched digest."""
    modules: bytes | None = field(default=None, repr=False)
    """Archive of the fetched modules; None if there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOutput:
    """Output of `terraform plan` and `show`.

    `json` contains secrets in clear and is never stored unredacted.
    """

    plan_file: Path
    """The copy that was taken out of the reach of the planned code; `show` has read this very file."""
    sha256: str
    """Of the copy, hexadecimal."""
    json: Mapping[str, Any] = field(repr=False)
    text: str = field(repr=False)
    warnings: tuple[str, ...] = ()
    lock_file: str | None = None
    """Text of `.terraform.lock.hcl` after init, None when no provider is used."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Wall time per part: init, plan, show."""
    fetched: Fetched
    """What `init` fetched."""
    modules: bytes | None = field(default=None, repr=False)
    """Archive of the fetched modules; None if there are none."""
    written: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    """Path -> text of the files that the bot and `init` wrote into the tree."""

    @property
    def code(self) -> FetchedCode:
        """Return the code that the apply of this plan needs besides the tree."""
        return FetchedCode(digest=self.fetched.digest, modules=self.modules)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOutput:
    """How `terraform apply PLANFILE` ended.

    A failure is not an exception, because state may have changed.
    """

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

    async def plan(
        self, job: TerraformJob, arguments: Sequence[str], *, mode: PlanMode = PlanMode.NORMAL
    ) -> PlanOutput:
        """Run init where it is needed, plan to a file, copy that out, and show the copy.

        Raises TerraformError; NeedsInitError where Terraform asks for an init that was skipped.
        """
        ...

    async def check_code(self, job: TerraformJob, names: Collection[str]) -> CodeReport:
        """Run the selected ones of `fmt`, `validate` and `test`; return their findings.

        Raises TerraformStoppedError, and the errors of a plan before Terraform has started.
        """
        ...

    async def apply(
        self,
        job: TerraformJob,
        plan_file: Path,
        code: FetchedCode,
        *,
        before_start: Callable[[], Awaitable[None]] | None = None,
    ) -> ApplyOutput:
        """Apply exactly this plan file, with the code that init fetched for it.

        Output goes to a file. `before_start` is called after init, to add the files of the plan to its
        directory.
        """
        ...

    async def run_beside(
        self, job: TerraformJob, argv: Sequence[str], *, files: Mapping[str, str] = NO_FILES
    ) -> tuple[int, str]:
        """Run a program in the root module, in Terraform's environment and sandbox.

        `files` are texts that only the program may read; the path of each is in the environment variable of its name.
        Returns its exit code, `TIMED_OUT` when its time was over, and the redacted end of its output.
        GatewrightError when it could not be started.
        """
        ...
