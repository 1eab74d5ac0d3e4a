"""Where all processes count their writes to GitHub."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from bot.domain.core.write_buckets import WriteState

Result = TypeVar("Result")


class WriteLedger(Protocol):
    """The writes of each installation, changed by one process at a time."""

    async def change_writes(
        self, installation: str, step: Callable[[WriteState], tuple[WriteState, Result]]
    ) -> Result:
        """Replace the state by the result of `step`, and return that result.

        An unknown installation has an empty state.
        """
        ...


class StoredLedger(WriteLedger, Protocol):
    """A ledger that outlives the process."""

    async def store_writes(self, installation: str, state: WriteState) -> None:
        """Replace the state, whatever it was; for the only process that changes it."""
        ...
