"""Rate limits: a caller's hourly budget, and the secondary limits.

Source: GitHub Docs, "Rate limits for the REST API" and "Rate limits and query limits for the GraphQL API". Whether the
secondary limits are counted for an App or for an installation is not published; here they are an installation's.

An installation has 5,000 requests an hour, and 50 more for each repository above 20 and for each member of the
organisation above 20, up to 12,500; one on an organisation of GitHub Enterprise Cloud has 15,000 (GitHub Docs, "Rate
limits for GitHub Apps"). Whether those up to 20 count as well once there are more is not clear; here they do not.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bot.playground.github.errors import ApiError

HOUR = 3600.0
MINUTE = 60.0
PER_HOUR = 5000
ENTERPRISE_PER_HOUR = 15_000
_MOST_PER_HOUR = 12_500
_FREE, _FOR_EACH_MORE = 20, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What decides how many requests an installation has."""

    repositories: int = 0
    users: int = 0
    enterprise: bool = False

    def per_hour(self, least: int) -> int:
        """Return the requests of an hour; a test may set `least` lower or higher than GitHub's."""
        if self.enterprise:
            return max(least, ENTERPRISE_PER_HOUR)
        more = sum(max(0, count - _FREE) for count in (self.repositories, self.users))
        return max(least, min(_MOST_PER_HOUR, least + _FOR_EACH_MORE * more))


def no_size(_caller: str) -> Size:
    """Return the size of a caller that is no installation."""
    return Size()


@dataclass(slots=True, kw_only=True)
class SecondaryLimits:
    """What one caller may do within a time, by GitHub's documentation of its limits.

    `status` is 403 or 429, as GitHub answers either; a refusal may or may not say when to come back. `minute` and `hour`
    may be made shorter, so that a test need not wait.
    """

    content_per_minute: int = 80
    content_per_hour: int = 500
    points_per_minute: int = 900
    graphql_points_per_minute: int = 2000
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
    """Counts by caller. The primary limit is always reported and always enforced."""

    def __init__(self, clock: Callable[[], float], size_of: Callable[[str], Size] = no_size) -> None:
        self.per_hour = PER_HOUR
        self._size_of = size_of
        self.secondary: SecondaryLimits | None = SecondaryLimits()
        self._clock = clock
        self._windows: dict[str, _Window] = {}
        self._content: dict[str, deque[float]] = defaultdict(deque)
        self._points: dict[str, deque[tuple[float, int]]] = defaultdict(deque)
        self._at_once: dict[str, int] = defaultdict(int)

    def lift(self) -> None:
        """Refuse nothing, for tests that do within a minute what people do in a day."""
        self.per_hour, self.secondary = 1_000_000, None

    def _window(self, caller: str) -> _Window:
        now = self._clock()
        window = self._windows.get(caller)
        if window is None or now - window.start >= HOUR:
            window = self._windows[caller] = _Window(now)
        return window

    def most(self, caller: str) -> int:
        """Return the requests that a caller has in an hour."""
        return self._size_of(caller).per_hour(self.per_hour)

    def numbers(self, caller: str) -> dict[str, int]:
        """The fields of GitHub's `rate_limit` answer."""
        window, most = self._window(caller), self.most(caller)
        return {
            "limit": most,
            "remaining": max(0, most - window.used),
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
        if window.used >= self.most(caller):
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
    def working(self, caller: str, *, writes: bool, graphql: bool = False) -> Iterator[None]:
        """Count a request and its points; 403 or 429 above the secondary limits."""
        limits = self.secondary
        if limits is None:
            yield
            return
        points = limits.points_of_a_write if writes else limits.points_of_a_read
        # GraphQL has points of its own; requests at once are counted together.
        most = limits.graphql_points_per_minute if graphql else limits.points_per_minute
        self._spend_points(limits, f"{caller} GraphQL" if graphql else caller, points, most)
        if self._at_once[caller] >= limits.at_once:
            raise limits.refusal(limits.minute)
        self._at_once[caller] += 1
        try:
            yield
        finally:
            self._at_once[caller] -= 1

    def _spend_points(self, limits: SecondaryLimits, caller: str, points: int, most: int) -> None:
        now = self._clock()
        spent = self._points[caller]
        while spent and now - spent[0][0] >= limits.minute:
            spent.popleft()
        if sum(each for _, each in spent) + points > most:
            raise limits.refusal(limits.minute - (now - spent[0][0]))
        spent.append((now, points))
