"""Rate limits: the hourly budget of a caller, and the budget for writing content."""

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass

from bot.playground.github.errors import ApiError

HOUR = 3600.0
MINUTE = 60.0


@dataclass(slots=True, kw_only=True)
class ContentBudget:
    """How much content one caller may write; `status` is 403 or 429, as GitHub answers either."""

    per_minute: int = 80
    per_hour: int = 500
    status: int = 403


@dataclass(slots=True)
class _Window:
    start: float
    used: int = 0


class Limits:
    """Counts by caller. The primary limit is always reported and always enforced.

    Set `content` to a budget to switch the secondary limit on.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.per_hour = 5000
        self.content: ContentBudget | None = None
        self._clock = clock
        self._windows: dict[str, _Window] = {}
        self._writes: dict[str, deque[float]] = defaultdict(deque)

    def _window(self, caller: str) -> _Window:
        now = self._clock()
        window = self._windows.get(caller)
        if window is None or now - window.start >= HOUR:
            window = self._windows[caller] = _Window(now)
        return window

    def numbers(self, caller: str) -> dict[str, int]:
        """The fields of GitHub's `rate_limit` answer."""
        window = self._window(caller)
        return {
            "limit": self.per_hour,
            "remaining": max(0, self.per_hour - window.used),
            "reset": int(window.start + HOUR),
            "used": window.used,
        }

    def headers(self, caller: str) -> dict[str, str]:
        """The `x-ratelimit-*` headers."""
        numbers = self.numbers(caller)
        found = {f"x-ratelimit-{name}": str(value) for name, value in numbers.items()}
        return {**found, "x-ratelimit-resource": "core"}

    def spend(self, caller: str) -> None:
        """Count a request; 403 when the hour's budget is gone."""
        window = self._window(caller)
        if window.used >= self.per_hour:
            raise ApiError(403, f"API rate limit exceeded for {caller}.")
        window.used += 1

    def spend_content(self, caller: str) -> None:
        """Count a write of content; 403 or 429 with `retry-after` above the budget."""
        budget = self.content
        if budget is None:
            return
        now = self._clock()
        writes = self._writes[caller]
        while writes and now - writes[0] >= HOUR:
            writes.popleft()
        recent = [moment for moment in writes if now - moment < MINUTE]
        wait = 0.0
        if len(writes) >= budget.per_hour:
            wait = HOUR - (now - writes[0])
        elif len(recent) >= budget.per_minute:
            wait = MINUTE - (now - recent[0])
        if wait > 0:
            message = "You have exceeded a secondary rate limit and have been temporarily blocked."
            raise ApiError(budget.status, message, headers={"retry-after": str(max(1, round(wait)))})
        writes.append(now)
