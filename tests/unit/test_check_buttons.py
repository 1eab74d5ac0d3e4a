"""Which pull request a press on a check run of ours is about."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from bot.context import Bot
from bot.domain.core.model import DeliveryId, PullRequest, Repo, Sha
from bot.events import CheckRunPayload
from bot.ports import Delivery
from handlers.events.check_runs import handle
from tests.fakes.records import builders


@dataclass(slots=True)
class Asked:
    """A GitHub whose pull requests have got newer commits."""

    numbers: list[int] = field(default_factory=list)

    async def subject(self, full_name: str, number: int) -> tuple[Repo, PullRequest]:
        self.numbers.append(number)
        owner, _, name = full_name.partition("/")
        return Repo(owner=owner, name=name, installation_id=1), builders.pull(head_sha=Sha("c" * 40))


@dataclass(slots=True)
class OnlyGitHub:
    """A bot that has to ask for the pull request before anything else."""

    github: Asked


def pressed(external_id: str) -> CheckRunPayload:
    told: dict[str, Any] = {
        "action": "requested_action",
        "requested_action": {"identifier": "plan"},
        "check_run": {
            "id": 1,
            "name": "gatewright/ci",
            "head_sha": builders.HEAD,
            "external_id": external_id,
        },
        "repository": {
            "id": 5,
            "full_name": "acme/infra",
            "name": "infra",
            "owner": {"login": "acme", "id": 2},
        },
        "sender": {"login": "dev", "id": 3, "type": "User"},
    }
    return CheckRunPayload.model_validate(told)


@pytest.mark.parametrize(
    ("external_id", "asked"),
    [
        ("7", [7]),
        ("7:2:1", [7]),
        ("group:7", []),
        ("", []),
        (":7", []),
        ("7a", []),
        ("\u0667", []),
    ],
    ids=["a number", "with head and run", "a merge queue's", "none", "no number", "a word", "other digits"],
)
async def test_press_is_about_the_pull_request_that_the_check_names(
    external_id: str, asked: list[int]
) -> None:
    bot = OnlyGitHub(github=Asked())
    delivery = Delivery(
        id=DeliveryId("guid-1"),
        event="check_run",
        action="requested_action",
        repo="acme/infra",
        pull=None,
        payload=b"{}",
        received_at=datetime(2026, 3, 1, tzinfo=UTC),
    )

    said = await handle(delivery, pressed(external_id), cast("Bot", bot))

    assert bot.github.numbers == asked
    assert said == ("the button is of an older commit" if asked else "the check belongs to no pull request")
