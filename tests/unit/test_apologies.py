"""Nobody is told of a lost delivery who did not ask for anything, or who never configured Gatewright."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pytest

from bot.context import Bot
from bot.domain.core.model import DeliveryId, Repo, Sha
from bot.ports import Delivery
from bot.services.stacks.policies import FoundPolicy
from handlers.failed_deliveries import FailedDeliveries

REPO = Repo(owner="acme", name="infra", installation_id=1)
CONFIGURED = FoundPolicy(commit=Sha("a" * 40), text="version: 99", problems=("gatewright.yaml:1: wrong",))
MISSING = FoundPolicy(commit=Sha("a" * 40), problems=("gatewright.yaml: there is no such file",))


@dataclass
class Played:
    """What tells of a lost delivery, and the comments that it writes."""

    delivery: Delivery
    found: FoundPolicy
    told: list[str] = field(default_factory=list)

    @property
    def failed_deliveries(self) -> FailedDeliveries:
        parts = SimpleNamespace(
            records=SimpleNamespace(read=self._read),
            admission=SimpleNamespace(serves=lambda _: True),
            policies=SimpleNamespace(look=self._look),
            github=SimpleNamespace(repository=self._repository, known_repository=self._repository),
            poster=SimpleNamespace(once=self._once),
        )
        return FailedDeliveries(bot=cast("Bot", parts))

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[object]:
        yield SimpleNamespace(delivery=self._delivery)

    async def _delivery(self, _: DeliveryId) -> Delivery:
        return self.delivery

    async def _repository(self, _: str) -> Repo:
        return REPO

    async def _look(self, _: Repo) -> FoundPolicy:
        return self.found

    async def _once(self, _: Repo, number: int, key: str, body: str, *, asked: bool) -> None:
        del body, asked
        self.told.append(f"{key} on {number}")


def lost(event: str, action: str | None) -> Delivery:
    return Delivery(
        id=DeliveryId("guid-1"),
        event=event,
        action=action,
        repo="acme/infra",
        pull=7,
        payload=json.dumps({"action": action}).encode(),
        received_at=datetime(2026, 3, 1, tzinfo=UTC),
        outcome="given_up",
        note="GitHub is away",
    )


@pytest.mark.parametrize(
    ("event", "action", "found", "told"),
    [
        ("pull_request", "opened", CONFIGURED, ["failure:guid-1 on 7"]),
        ("pull_request", "opened", MISSING, []),
        ("check_run", "requested_action", CONFIGURED, ["failure:guid-1 on 7"]),
        ("check_run", "completed", CONFIGURED, []),
        ("status", None, CONFIGURED, []),
    ],
    ids=["a push", "a push without a policy", "a button", "another program's check", "a status"],
)
async def test_lost_delivery_is_told_to_those_who_wait_for_it(
    event: str, action: str | None, found: FoundPolicy, told: list[str]
) -> None:
    # Given a delivery that was given up,
    played = Played(delivery=lost(event, action), found=found)
    # when it is told, then only where somebody waits for an answer of ours.
    await played.failed_deliveries.report(DeliveryId("guid-1"))
    assert played.told == told
