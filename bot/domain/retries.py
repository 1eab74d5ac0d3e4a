"""How often something that met a passing trouble is tried, and how long to wait in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.domain.errors import GatewrightError, GitHubError

_LONGEST_ASKED: Final = 3700.0
"""GitHub's budget is renewed every hour; nobody who asks for more is believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often a step that met a passing trouble is tried; the waits grow by `factor`, in seconds.

    The default goes on for about half an hour, not counting the patience of each attempt itself.
    """

    attempts: int = 18
    first_wait: float = 1.0
    factor: float = 2.5
    longest_wait: float = 120.0

    def worth(self, error: BaseException) -> bool:
        """Whether another attempt may help."""
        if isinstance(error, GatewrightError):
            return error.passing
        return isinstance(error, ConnectionError | TimeoutError)

    def wait(self, attempt: int, error: BaseException) -> float:
        """Return the seconds before the attempt after `attempt` (from 1), at least what GitHub asked for."""
        own = self.first_wait
        for _ in range(attempt - 1):
            own = min(own * self.factor, self.longest_wait)
        asked = error.retry_after if isinstance(error, GitHubError) else None
        return max(own, min(asked or 0.0, _LONGEST_ASKED))
