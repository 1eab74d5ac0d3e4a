"""Retry after temporary errors, by `tenacity` and the waits of `Retries`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from bot.domain.core.retries import Retries

_LOG = logging.getLogger(__name__)
_Result = TypeVar("_Result")


async def persist(
    retries: Retries,
    doing: str,
    call: Callable[[], Awaitable[_Result]],
    *,
    worth: Callable[[BaseException], bool] | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> _Result:
    """Return the result of `call`, which may be called several times.

    Raises the error of the last call. `worth` decides which errors are retried; None means `retries.worth`.
    """
    is_worth = worth or retries.worth

    async def attempt() -> _Result:
        # tenacity awaits the result of coroutine functions alone, and callers pass lambdas.
        return await call()

    def may_help(error: BaseException) -> bool:
        # A canceled task is never called again, whatever `worth` says.
        return isinstance(error, Exception) and is_worth(error)

    def wait(state: RetryCallState) -> float:
        return retries.wait(state.attempt_number, _error_of(state))

    def log(state: RetryCallState) -> None:
        _LOG.warning(
            "%s failed and is tried again in %.0f s: %s",
            doing,
            state.upcoming_sleep,
            one_line(_error_of(state)),
        )

    attempts = AsyncRetrying(
        stop=stop_after_attempt(retries.attempts),
        retry=retry_if_exception(may_help),
        wait=wait,
        before_sleep=log,
        sleep=sleep,
        reraise=True,
    )
    return await attempts(attempt)


def one_line(error: BaseException) -> str:
    """Return the kind of an error and its message in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def _error_of(state: RetryCallState) -> BaseException:
    error = None if state.outcome is None else state.outcome.exception()
    if error is None:
        raise AssertionError("only a failed call is tried again")
    return error
