from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus

import aiohttp
import pytest
from gidgethub import BadRequest, GitHubBroken, HTTPException
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.github.failures import GraphQlError, Next, judge
from bot.adapters.github.transport import ForeignUrlError, MalformedAnswerError, UnsafeNameError
from bot.domain.core.errors import GitHubError, GitHubNotFoundError, GitHubUnavailableError

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("error", "following", "in_doubt"),
    [
        (TimeoutError(), Next.BACK_OFF, True),
        (aiohttp.ServerTimeoutError(), Next.BACK_OFF, True),
        (aiohttp.ServerDisconnectedError(), Next.BACK_OFF, True),
        (aiohttp.ClientPayloadError(), Next.BACK_OFF, True),
        (ConnectionResetError(), Next.BACK_OFF, True),
        (MalformedAnswerError(), Next.BACK_OFF, True),
        (GitHubBroken(HTTPStatus.BAD_GATEWAY), Next.BACK_OFF, True),
        (BadRequest(HTTPStatus.UNAUTHORIZED), Next.RENEW, False),
        (BadRequest(HTTPStatus.NOT_FOUND), Next.STOP, False),
        (BadRequest(HTTPStatus.TOO_MANY_REQUESTS), Next.WAIT, False),
        (GraphQlError("RATE_LIMITED", "slow"), Next.WAIT, False),
        (GraphQlError("FORBIDDEN", "no"), Next.STOP, False),
        (ForeignUrlError("https://evil.example"), Next.STOP, False),
        (UnsafeNameError("no"), Next.STOP, False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_error_says_whether_to_try_again(
    error: Exception,
    following: Next,
    in_doubt: bool,  # noqa: FBT001 - a column of the table.
) -> None:
    failure = judge(error, NOW)

    assert failure is not None
    assert (failure.next, failure.in_doubt) == (following, in_doubt)


@pytest.mark.parametrize("error", [KeyError("x"), TypeError("x"), RuntimeError("x"), AssertionError()])
def test_our_own_mistakes_are_not_githubs(error: Exception) -> None:
    assert judge(error, NOW) is None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BadRequest(HTTPStatus.NOT_FOUND), GitHubNotFoundError),
        (BadRequest(HTTPStatus.GONE), GitHubNotFoundError),
        (GraphQlError("NOT_FOUND", "no node"), GitHubNotFoundError),
        (BadRequest(HTTPStatus.CONFLICT), GitHubError),
        (GitHubBroken(HTTPStatus.BAD_GATEWAY), GitHubUnavailableError),
        (TimeoutError(), GitHubUnavailableError),
    ],
)
def test_each_error_becomes_the_domains_own(error: Exception, kind: type[GitHubError]) -> None:
    failure = judge(error, NOW)

    assert failure is not None
    told = failure.as_error("reading acme/infra#1")
    assert type(told) is kind
    assert str(told).startswith("reading acme/infra#1: ")


def test_githubs_message_is_told_on_one_line_of_bounded_length() -> None:
    failure = judge(BadRequest(HTTPStatus.BAD_REQUEST, "first\nsecond " + "x" * 1000), NOW)

    assert failure is not None
    assert failure.message.startswith("GitHub answered 400 (first second xxx")
    assert failure.message.endswith("…)")
    assert len(failure.message) < 400


@given(
    status=st.sampled_from([403, 429]),
    headers=st.dictionaries(
        st.sampled_from(["retry-after", "x-ratelimit-remaining", "x-ratelimit-reset"]),
        st.one_of(
            st.text(max_size=8), st.sampled_from(["0", "-1", "1e400", "nan", "inf", "1772370000", "9" * 30])
        ),
    ),
)
def test_odd_limit_headers_never_fail_and_never_wait_backwards(status: int, headers: dict[str, str]) -> None:
    failure = judge(HTTPException(HTTPStatus(status), headers=headers), NOW)

    assert failure is not None
    assert failure.wait >= 0.0
