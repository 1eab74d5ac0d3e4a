"""What the plans of one push ask GitHub alike, asked once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Final

_KEPT_SECONDS: Final = 3.0
"""Plans of a push that start within this time share an answer; GitHub's own webhooks lag by as much."""
_MOST: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedAnswers:
    """Answers of the last seconds in this process, by question."""

    _answers: OrderedDict[Hashable, tuple[float, asyncio.Future[Any]]] = field(default_factory=OrderedDict)

    async def get(self, question: Hashable, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Return the answer that another plan has just got, else ask; an error is not kept."""
        now = asyncio.get_running_loop().time()
        at, answer = self._answers.get(question, (0.0, None))
        if answer is None or now - at > _KEPT_SECONDS or _has_failed(answer):
            answer = asyncio.ensure_future(ask())
            self._answers[question] = (now, answer)
            self._answers.move_to_end(question)
            while len(self._answers) > _MOST:
                self._answers.popitem(last=False)
        # One plan that is canceled must not cancel the question of the others.
        return await asyncio.shield(answer)


def _has_failed(answer: asyncio.Future[Any]) -> bool:
    return answer.done() and (answer.cancelled() or answer.exception() is not None)
