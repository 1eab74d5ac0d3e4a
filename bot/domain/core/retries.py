"""How often a step is retried after a temporary error, and how long it waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.domain.core.errors import GatewrightError, GitHubError

_LONGEST_ASKED: Final = 3700.0
"""GitHub renews its limits every hour, so a longer `retry-after` is cut to this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often a step is retried; waits are in seconds and grow by `factor`.

    The default lasts about half an hour, not counting the time of the attempts.
    """

    attempts: int = 18
    first_wait: float = 1.0
    factor: float = 2.5
    longest_wait: float = 120.0

    def worth(self, error: BaseException) -> bool:
        """Whether another attempt may help."""
        if isinstance(error, GatewrightError):
            return error.temporary
        return isinstance(error, ConnectionError | TimeoutError)

    def wait(self, attempt: int, error: BaseException) -> float:
        """Return the seconds to wait after `attempt` (from 1), at least GitHub's `retry-after`."""
        own = self.first_wait
        for _ in range(attempt - 1):
            own = min(own * self.factor, self.longest_wait)
        asked = error.retry_after if isinstance(error, GitHubError) else None
        return max(own, min(asked or 0.0, _LONGEST_ASKED))
