"""Plans of one push share what GitHub answers."""

from __future__ import annotations

import asyncio

import pytest

from bot.domain.core.errors import GitHubUnavailableError
from bot.services.planning.shared_answers import SharedAnswers


async def test_plans_of_a_push_share_an_answer() -> None:
    answers, asked = SharedAnswers(), []

    async def ask() -> int:
        asked.append(1)
        await asyncio.sleep(0)
        return len(asked)

    found = await asyncio.gather(*(answers.get("push", ask) for _ in range(3)))

    assert (found, await answers.get("push", ask), await answers.get("next", ask)) == ([1, 1, 1], 1, 2)


async def test_an_error_is_asked_again() -> None:
    answers, asked = SharedAnswers(), []

    async def ask() -> int:
        asked.append(1)
        if len(asked) == 1:
            raise GitHubUnavailableError("for now")
        return len(asked)

    with pytest.raises(GitHubUnavailableError):
        await answers.get("push", ask)

    assert await answers.get("push", ask) == 2


async def test_canceled_plan_does_not_cancel_the_question_of_others() -> None:
    answers, may_answer = SharedAnswers(), asyncio.Event()

    async def ask() -> str:
        await may_answer.wait()
        return "answer"

    first = asyncio.create_task(answers.get("push", ask))
    await asyncio.sleep(0)
    second = asyncio.create_task(answers.get("push", ask))
    await asyncio.sleep(0)
    first.cancel()
    may_answer.set()

    assert await second == "answer"
