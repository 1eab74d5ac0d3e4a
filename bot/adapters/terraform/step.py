"""The result of one Terraform command, and its errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bot.adapters.terraform.output import first_error
from bot.adapters.terraform.supervision import Ended
from bot.adapters.terraform.tail import LogTail
from bot.domain.core.errors import TerraformError, TerraformStoppedError

TAIL_LINES = 60
"""Lines of output that a failure shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A finished command."""

    name: str
    """The program and its subcommand, as people would type it."""
    ended: Ended
    tail: LogTail = field(repr=False)
    output: Path
    """Standard output; with standard error in it unless the step was captured."""
    written: Path
    """The directory that only the step could write to; its content is not trusted."""

    @property
    def log_tail(self) -> str:
        """Return the last lines, redacted."""
        return self.tail.last(TAIL_LINES).strip("\n")

    def raise_if_stopped(self) -> None:
        """Raise TerraformStoppedError when a request or the deadline ended it."""
        if self.ended.timed_out:
            raise TerraformStoppedError(
                f"{self.name} was stopped: its time was over",
                timed_out=True,
                log_tail=self.log_tail,
            )
        if self.ended.stopped_by is not None:
            raise TerraformStoppedError(
                f"{self.name} was stopped by {self.ended.stopped_by}",
                timed_out=False,
                log_tail=self.log_tail,
            )

    def raise_if_failed(self, *, accepted: tuple[int, ...] = (0,)) -> None:
        """Raise TerraformError unless it ended with an accepted exit code."""
        self.raise_if_stopped()
        if self.ended.printed_too_much:
            raise TerraformError(f"{self.name} was stopped: it printed too much", log_tail=self.log_tail)
        if self.ended.took_too_much_memory:
            raise TerraformError(
                f"{self.name} was stopped: it took more memory than it may (GATEWRIGHT_TERRAFORM_MEMORY_MIB)",
                log_tail=self.log_tail,
            )
        if self.ended.exit_code not in accepted:
            raise self.failure()

    def failure(self) -> TerraformError:
        """Return the error of a failed step."""
        if self.log_tail.startswith("bwrap: "):
            title: str | None = "the sandbox could not be started"
        else:
            title = first_error(self.tail.text())
        why = title or f"exit code {self.ended.exit_code}"
        return TerraformError(
            f"{self.name} failed: {why}", log_tail=self.log_tail, exit_code=self.ended.exit_code
        )
