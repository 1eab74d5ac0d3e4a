"""Equal reads of GitHub that are asked once, while several plans are judged for one comment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

_T = TypeVar("_T")
_ANSWERS: ContextVar[dict[Any, asyncio.Future[Any]] | None] = ContextVar("shared_reads", default=None)


@contextmanager
def shared_reads() -> Iterator[None]:
    """Within it, GitHub is asked each question once, and every caller gets that answer.

    Only for what is shown: an apply judges its gates on answers of its own.
    """
    token = _ANSWERS.set({})
    try:
        yield
    finally:
        _ANSWERS.reset(token)


async def asked_once(question: Any, ask: Callable[[], Awaitable[_T]]) -> _T:
    """Return the answer to a question that was asked already within `shared_reads`, else ask it.

    An error is an answer too.
    """
    answers = _ANSWERS.get()
    if answers is None:
        return await ask()
    if question not in answers:
        answers[question] = asyncio.ensure_future(ask())
    # One caller that is cancelled must not cancel the question of the others.
    answer: asyncio.Future[_T] = answers[question]
    return await asyncio.shield(answer)
