"""Rate limits: the hourly budget of a caller, and the secondary limits on content, points and requests at once."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bot.playground.github.errors import ApiError

HOUR = 3600.0
MINUTE = 60.0


@dataclass(slots=True, kw_only=True)
class SecondaryLimits:
    """What one caller may do within a time, by GitHub's documentation of its limits.

    `status` is 403 or 429, as GitHub answers either; a refusal may or may not tell when to come back. `minute` and `hour`
    may be made shorter, so that a test need not wait.
    """

    content_per_minute: int = 80
    content_per_hour: int = 500
    points_per_minute: int = 900
    points_of_a_read: int = 1
    points_of_a_write: int = 5
    at_once: int = 100
    status: int = 403
    tells_retry_after: bool = True
    minute: float = MINUTE
    hour: float = HOUR
    refused: int = 0
    """How often something was refused."""

    def refusal(self, wait: float) -> ApiError:
        """Return the answer to a caller that does too much."""
        self.refused += 1
        message = "You have exceeded a secondary rate limit and have been temporarily blocked."
        headers = {"retry-after": str(max(1, round(wait)))} if self.tells_retry_after else {}
        return ApiError(self.status, message, headers=headers)


@dataclass(slots=True)
class _Window:
    start: float
    used: int = 0


class Limits:
    """Counts by caller. The primary limit is always reported and always enforced.

    Set `secondary` to switch the secondary limits on.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.per_hour = 5000
        self.secondary: SecondaryLimits | None = None
        self._clock = clock
        self._windows: dict[str, _Window] = {}
        self._content: dict[str, deque[float]] = defaultdict(deque)
        self._points: dict[str, deque[tuple[float, int]]] = defaultdict(deque)
        self._at_once: dict[str, int] = defaultdict(int)

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
        """Count what creates content; 403 or 429 above the secondary limit."""
        limits = self.secondary
        if limits is None:
            return
        now = self._clock()
        written = self._content[caller]
        while written and now - written[0] >= limits.hour:
            written.popleft()
        recent = [moment for moment in written if now - moment < limits.minute]
        if len(written) >= limits.content_per_hour:
            raise limits.refusal(limits.hour - (now - written[0]))
        if len(recent) >= limits.content_per_minute:
            raise limits.refusal(limits.minute - (now - recent[0]))
        written.append(now)

    @contextmanager
    def working(self, caller: str, *, writes: bool) -> Iterator[None]:
        """Count a request by its points and as one of those at the same time; 403 or 429 above the secondary limits."""
        limits = self.secondary
        if limits is None:
            yield
            return
        self._spend_points(limits, caller, limits.points_of_a_write if writes else limits.points_of_a_read)
        if self._at_once[caller] >= limits.at_once:
            raise limits.refusal(limits.minute)
        self._at_once[caller] += 1
        try:
            yield
        finally:
            self._at_once[caller] -= 1

    def _spend_points(self, limits: SecondaryLimits, caller: str, points: int) -> None:
        now = self._clock()
        spent = self._points[caller]
        while spent and now - spent[0][0] >= limits.minute:
            spent.popleft()
        if sum(each for _, each in spent) + points > limits.points_per_minute:
            raise limits.refusal(limits.minute - (now - spent[0][0]))
        spent.append((now, points))
