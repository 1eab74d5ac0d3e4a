"""Facts that a Terraform process is given, and the log it leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, Protocol

from bot.domain.model import EnvName, Login, RunId, Stack
from bot.domain.redaction import Redactor
from bot.ports import Backend, Records

Purpose = Literal["plan", "apply"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleAccess:
    """What `init` needs to fetch private modules."""

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


class Credentials(Protocol):
    """Where the secrets of environments come from."""

    def environment(self, env: EnvName, *, purpose: Purpose) -> dict[str, str]:
        """Variables for this environment's Terraform and this purpose, prefix removed."""
        ...

    def setting(self, env: EnvName, name: str, *, purpose: Purpose) -> str:
        """The name of the setting that gives such a variable."""
        ...

    async def module_access(self, full_name: str) -> ModuleAccess:
        """The way to the private modules that code of a repository may call; it is for `init` alone."""
        ...

    def backend(self, stack: Stack, *, purpose: Purpose) -> Backend:
        """The state's place with the narrowest key pair that the operator configured."""
        ...

    def redactor(self, env: EnvName) -> Redactor:
        """Removes every secret value that is known before Terraform has spoken."""
        ...


class RunLog(Protocol):
    """The log of one run while it is written."""

    def write(self, line: str) -> None:
        """Append one redacted line."""
        ...


class RunLogs(Protocol):
    """Logs of runs: live while they are written, stored when they are closed."""

    def open(self, run_id: RunId) -> RunLog:
        """Begin or go on with the log of a run."""
        ...

    async def cleanse(self, run_id: RunId, redact: Callable[[str], str]) -> None:
        """Redact what was written so far once more, with secrets that were learnt later."""
        ...

    async def store(self, run_id: RunId) -> str:
        """Store what was written so far; returns the object key."""
        ...

    async def read(self, run_id: RunId) -> str | None:
        """Return the log as far as it goes, None when there is none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Time-outs in seconds."""

    plan_timeout: float
    apply_timeout: float


def bounded(limit: float, wanted: timedelta | None) -> float:
    """Return the seconds that the policy wants, but never more than the server allows."""
    return limit if wanted is None else min(limit, wanted.total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Addresses of our own pages."""

    origin: str

    def run(self, run_id: RunId) -> str:
        """The page of a run."""
        return f"{self.origin}/runs/{run_id}"


@dataclass(slots=True, kw_only=True)
class StopOnRequest:
    """Asks the records whether somebody wants a run to end; used as `TerraformJob.stop`."""

    records: Records
    run_id: RunId

    async def __call__(self) -> Login | None:
        """Return who asked, None while nobody did."""
        async with self.records.read() as reader:
            run = await reader.run(self.run_id)
        return run.cancel_requested_by if run else None


@dataclass(slots=True)
class LineSink:
    """Redacts with whatever is known to be secret by now, and writes to the run's log."""

    log: RunLog
    redact: Callable[[str], str] = field(repr=False)

    def __call__(self, line: str) -> None:
        """Write one line."""
        self.log.write(self.redact(line))
