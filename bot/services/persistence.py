"""Writing down what cannot be done again: tried for a while by the process that saw it."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.domain.retries import Retries

_LOG = logging.getLogger(__name__)
_Result = TypeVar("_Result")


async def persist(retries: Retries, doing: str, call: Callable[[], Awaitable[_Result]]) -> _Result:
    """Return what `call` returns, which may be called more than once; its last error when it is not to be had.

    How Terraform ended is known to one process alone: the next attempt of its step could only call it interrupted.
    """
    for attempt in itertools.count(1):
        try:
            return await call()
        except Exception as error:
            if attempt >= retries.attempts or not retries.worth(error):
                raise
            wait = retries.wait(attempt, error)
            _LOG.warning("%s is tried again in %.0f s: %s", doing, wait, error)
        await asyncio.sleep(wait)
    raise AssertionError("the attempts have no end of their own")
