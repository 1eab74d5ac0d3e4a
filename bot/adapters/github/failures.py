"""Errors of one attempt, judged: whether to try again, when, and what to tell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from http import HTTPStatus

import aiohttp
from gidgethub import HTTPException

from bot.adapters.github.transport import ForeignUrlError, MalformedAnswerError, UnsafeNameError
from bot.domain.errors import GitHubError, GitHubNotFoundError, GitHubUnavailableError

_SECONDARY_WAIT = 60.0
"""GitHub asks for a minute where a secondary limit comes without `retry-after`."""
_LONGEST_WAIT = 3660.0
"""No limit of GitHub lasts longer than an hour: more than that is a slip of a clock or of something in between."""
_GONE = frozenset({404, 410})
_LIMITED = frozenset({403, 429})
_MOST_OF_A_MESSAGE = 300


class GraphQlError(Exception):
    """GraphQL answers 200 with an error inside; `kind` is its type, for example `NOT_FOUND`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Next(Enum):
    """What to do after a failed attempt."""

    STOP = auto()
    RENEW = auto()
    """The token was not accepted: try once with a new one."""
    BACK_OFF = auto()
    WAIT = auto()
    """A rate limit: nothing may be sent before `wait` is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A judged error; `message` is safe to show."""

    next: Next
    message: str
    status: int | None = None
    wait: float = 0.0
    """Seconds."""
    in_doubt: bool = False
    """Whether the request may have taken effect all the same."""

    def as_error(self, doing: str, *, retry_after: float | None = None) -> GitHubError:
        """Return the domain's error for it."""
        kind = GitHubError
        if self.status in _GONE:
            kind = GitHubNotFoundError
        elif self.next in {Next.BACK_OFF, Next.WAIT}:
            kind = GitHubUnavailableError
        return kind(f"{doing}: {self.message}", status=self.status, retry_after=retry_after)


_BY_KIND: tuple[tuple[type[Exception], Failure], ...] = (
    (
        aiohttp.ClientConnectorError,
        Failure(next=Next.BACK_OFF, message="GitHub could not be reached"),
    ),
    (
        TimeoutError,
        Failure(next=Next.BACK_OFF, message="GitHub did not answer in time", in_doubt=True),
    ),
    (
        aiohttp.ClientError,
        Failure(next=Next.BACK_OFF, message="the connection to GitHub broke", in_doubt=True),
    ),
    (
        OSError,
        Failure(next=Next.BACK_OFF, message="the connection to GitHub broke", in_doubt=True),
    ),
    (
        MalformedAnswerError,
        Failure(next=Next.BACK_OFF, message="GitHub's answer could not be read", in_doubt=True),
    ),
    (
        ForeignUrlError,
        Failure(next=Next.STOP, message="GitHub pointed to another host, which Gatewright never calls"),
    ),
)
"""Failures without an answer; the first class that fits counts, a subclass before its base."""


def judge(error: Exception, now: datetime, *, secret: str = "") -> Failure | None:
    """Return what an error of one attempt means, None when it is not GitHub's doing; no message holds `secret`."""
    match error:
        case HTTPException():
            return _judge_answer(error, now, secret)
        case GraphQlError():
            return _judge_graphql(error, secret)
        case UnsafeNameError():
            return Failure(next=Next.STOP, message=str(error))
        case _:
            return next((failure for kind, failure in _BY_KIND if isinstance(error, kind)), None)


def _judge_answer(error: HTTPException, now: datetime, secret: str) -> Failure:
    status = int(error.status_code)
    said = f"GitHub answered {status} ({_first_words(str(error), secret)})"
    if status in _LIMITED and (wait := _limit_wait(error, now)) is not None:
        return Failure(next=Next.WAIT, message=f"GitHub is rate limiting: {said}", status=status, wait=wait)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Failure(next=Next.BACK_OFF, message=said, status=status, in_doubt=True)
    return Failure(
        next=Next.RENEW if status == HTTPStatus.UNAUTHORIZED else Next.STOP, message=said, status=status
    )


def _judge_graphql(error: GraphQlError, secret: str) -> Failure:
    said = f"GitHub answered {error.kind} ({_first_words(str(error), secret)})"
    if error.kind == "RATE_LIMITED":
        return Failure(next=Next.WAIT, message=said, wait=_SECONDARY_WAIT)
    return Failure(next=Next.STOP, message=said, status=404 if error.kind == "NOT_FOUND" else None)


def _limit_wait(error: HTTPException, now: datetime) -> float | None:
    """Return how long a 403 or 429 asks to wait, None when it is a plain refusal."""
    asked = _asked_wait(error, now)
    return None if asked is None else min(max(0.0, asked), _LONGEST_WAIT)


def _asked_wait(error: HTTPException, now: datetime) -> float | None:
    if (asked := _number(error.headers, "retry-after")) is not None:
        return asked
    if _number(error.headers, "x-ratelimit-remaining") == 0:
        reset = _number(error.headers, "x-ratelimit-reset")
        return _SECONDARY_WAIT if reset is None else max(0.0, reset - now.timestamp()) + 1.0
    text = str(error).lower()
    if (
        error.status_code == HTTPStatus.TOO_MANY_REQUESTS
        or "secondary rate limit" in text
        or "abuse detection" in text
    ):
        return _SECONDARY_WAIT
    return None


def _number(headers: Mapping[str, str], name: str) -> float | None:
    try:
        value = float(headers.get(name, ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _first_words(text: str, secret: str) -> str:
    """Return GitHub's message on one line and of bounded length; the secret goes first, or a part of it would stay."""
    line = " ".join((text.replace(secret, "***") if secret else text).split())
    return line if len(line) <= _MOST_OF_A_MESSAGE else f"{line[:_MOST_OF_A_MESSAGE]}…"
