"""What GitHub could not deliver is asked for again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.adapters.database import Database
from bot.domain.model import DeliveryId
from bot.domain.repositories import Listed, read_entries
from bot.ports import FailedDelivery
from bot.services.losses import Losses
from bot.services.reconciling import Reconciling
from bot.services.strays import Strays
from tests.integration.database.builders import NOW


class Clock:
    def now(self) -> datetime:
        return NOW


@dataclass
class Hooks:
    """Deliveries that never arrive, however often they are asked for."""

    failed: list[FailedDelivery]
    asked: list[int] = field(default_factory=list)

    async def failed_deliveries(self, since: datetime) -> Sequence[FailedDelivery]:
        return [each for each in self.failed if each.at >= since]

    async def redeliver(self, attempt: int) -> None:
        self.asked.append(attempt)


def failed(id: int, *, refused: bool) -> FailedDelivery:
    return FailedDelivery(
        id=id, guid=DeliveryId(f"guid-{id}"), event="issue_comment", at=NOW, refused=refused
    )


async def test_a_server_that_is_away_for_long_still_gets_everything_and_one_that_refuses_is_left_alone(
    records: Database,
) -> None:
    # Given a delivery that found no server, and one that the server refused,
    async def none(ids: Sequence[str]) -> frozenset[str]:
        return frozenset()

    hooks, clock = Hooks([failed(1, refused=False), failed(2, refused=True)]), Clock()
    unused: Any = None
    reconciling = Reconciling(
        records=records,
        github=unused,
        hooks=hooks,
        strays=Strays(
            records=records, losses=Losses(records=records, clock=clock), abandoned=none, clock=clock
        ),
        listed=Listed(read_entries(["acme/infra"])),
        clock=clock,
        every=timedelta(minutes=10),
    )

    # when it is looked many times,
    for _ in range(30):
        await reconciling.look()

    # then the first is asked for each time, and the second no longer.
    assert (hooks.asked.count(1), hooks.asked.count(2)) == (30, 10)
