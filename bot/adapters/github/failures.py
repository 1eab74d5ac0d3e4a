"""Classifies the error of one attempt: whether and when to retry, and what to report."""

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
from bot.domain.core.errors import (
    GitHubError,
    GitHubNotFoundError,
    GitHubUnavailableError,
    NotGrantedError,
)

_SECONDARY_WAIT = 60.0
"""Seconds to wait at a secondary rate limit without `retry-after`, as GitHub recommends."""
_LONGEST_WAIT = 3660.0
"""Seconds. GitHub's limits last at most one hour; a longer wait comes from a wrong clock."""
_GONE = frozenset({404, 410})
_LIMITED = frozenset({403, 429})
_MOST_OF_A_MESSAGE = 300


class GraphQlError(Exception):
    """An error in a GraphQL answer with status 200; `kind` is its type, such as `NOT_FOUND`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Next(Enum):
    """The reaction to a failed attempt."""

    STOP = auto()
    RENEW = auto()
    """The token was refused: retry once with a new one."""
    BACK_OFF = auto()
    WAIT = auto()
    """A rate limit: send nothing for `wait` seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A classified error; `message` is safe to show."""

    next: Next
    message: str
    status: int | None = None
    wait: float = 0.0
    """Seconds."""
    in_doubt: bool = False
    """Whether the request may have taken effect although it failed."""
    is_not_granted: bool = False
    """Whether an owner of the account must grant a permission first."""

    def as_error(self, doing: str, *, retry_after: float | None = None) -> GitHubError:
        """Return the domain's error for it."""
        kind = GitHubError
        if self.is_not_granted:
            kind = NotGrantedError
        elif self.status in _GONE:
            kind = GitHubNotFoundError
        elif self.next in {Next.BACK_OFF, Next.WAIT}:
            kind = GitHubUnavailableError
        return kind(f"{doing}: {self.message}", status=self.status, retry_after=retry_after)


# Subclasses precede their base class: aiohttp's connection errors are both ClientError and OSError. Only a connection
# that was never made is certain to have had no effect.
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
        Failure(next=Next.STOP, message="GitHub redirected to another host, to which no token is sent"),
    ),
)
"""Failures without an answer, by class of the error; the first matching class counts."""


def judge(error: Exception, now: datetime, *, secret: str = "") -> Failure | None:
    """Classify an error of one attempt; None if it is not a failure of GitHub or the connection.

    Every occurrence of `secret` is removed from the message.
    """
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
    # GitHub answers 403 both to a rate limit and to a missing permission, so the rate limit is recognised first.
    if status in _LIMITED and (wait := _limit_wait(error, now)) is not None:
        return Failure(next=Next.WAIT, message=f"GitHub is rate limiting: {said}", status=status, wait=wait)
    if (missing := _missing_grant(error, status)) is not None:
        return Failure(next=Next.STOP, message=f"{said}: {missing}", status=status, is_not_granted=True)
    # A server error may come after the change was made.
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Failure(next=Next.BACK_OFF, message=said, status=status, in_doubt=True)
    return Failure(
        next=Next.RENEW if status == HTTPStatus.UNAUTHORIZED else Next.STOP, message=said, status=status
    )


def _missing_grant(error: HTTPException, status: int) -> str | None:
    """Return what an owner of the account must do; None if no grant is missing."""
    text = str(error).lower()
    if status == HTTPStatus.FORBIDDEN and "installation has been suspended" in text:
        return "an owner of the account must lift the suspension of the App in the account's settings"
    if status == HTTPStatus.UNPROCESSABLE_ENTITY and "not granted to this installation" in text:
        return "an owner of the account must accept the App's permissions; `gatewright doctor` shows where"
    if status == HTTPStatus.FORBIDDEN and "not accessible by integration" in text:
        accepted = error.headers.get("x-accepted-github-permissions", "")
        needs = f"it needs {accepted[:_MOST_OF_A_MESSAGE]}; " if accepted else ""
        return f"{needs}`gatewright doctor` lists the permissions that the App lacks"
    return None


def _judge_graphql(error: GraphQlError, secret: str) -> Failure:
    said = f"GitHub answered {error.kind} ({_first_words(str(error), secret)})"
    if error.kind == "RATE_LIMITED":
        return Failure(next=Next.WAIT, message=said, wait=_SECONDARY_WAIT)
    return Failure(next=Next.STOP, message=said, status=404 if error.kind == "NOT_FOUND" else None)


def _limit_wait(error: HTTPException, now: datetime) -> float | None:
    """Return the seconds to wait after a 403 or 429; None if it is no rate limit."""
    asked = _asked_wait(error, now)
    return None if asked is None else min(max(0.0, asked), _LONGEST_WAIT)


def _asked_wait(error: HTTPException, now: datetime) -> float | None:
    if (asked := _number(error.headers, "retry-after")) is not None:
        return asked
    if _number(error.headers, "x-ratelimit-remaining") == 0:
        reset = _number(error.headers, "x-ratelimit-reset")
        # The reset time is in whole seconds: one more makes sure that it has passed.
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
    # float() also parses "nan" and "inf".
    return value if math.isfinite(value) else None


def _first_words(text: str, secret: str) -> str:
    """Return the first words of a message on one line, without `secret`."""
    # The secret is replaced before truncating, which might leave a part of it.
    line = " ".join((text.replace(secret, "***") if secret else text).split())
    return line if len(line) <= _MOST_OF_A_MESSAGE else f"{line[:_MOST_OF_A_MESSAGE]}…"
