"""Lists failed deliveries of the App's webhook, and requests them again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.adapters.github.call import Call
from bot.adapters.github.credentials import AppCredential
from bot.adapters.github.sending import Sender
from bot.adapters.github.shapes import HookDelivery, parse
from bot.domain.core.model import DeliveryId
from bot.ports import FailedDelivery

_PAGE = 100
_MOST_PAGES = 10
_REFUSALS = range(400, 500)


class HookDeliveries:
    """Deliveries of the App's webhook; requests are signed as the App."""

    def __init__(self, sender: Sender, app: AppCredential) -> None:
        self._sender = sender
        self._app = app

    async def failed(self, since: datetime) -> Sequence[FailedDelivery]:
        """Return failed attempts since then, newest first; at most 1000."""
        found: list[FailedDelivery] = []
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            call = _list(cursor)
            answer = await self._sender.send(call, self._app)
            page = parse(list[HookDelivery], answer.data, call.doing)
            found += [_failed(each) for each in page if each.delivered_at >= since]
            cursor = answer.cursor
            # GitHub lists newest first, so all later pages are older than `since`.
            if cursor is None or not page or page[-1].delivered_at < since:
                break
        return found

    async def again(self, attempt: int) -> None:
        """Request another attempt."""
        call = Call(
            doing=f"requesting delivery {attempt} again",
            method="POST",
            route="/app/hook/deliveries/{delivery_id}/attempts",
            variables={"delivery_id": attempt},
        )
        await self._sender.send(call, self._app)


def _list(cursor: str | None) -> Call:
    route = "/app/hook/deliveries{?per_page,status,cursor}"
    variables: dict[str, str | int] = {"per_page": _PAGE, "status": "failure"}
    if cursor is not None:
        variables["cursor"] = cursor
    return Call(doing="listing failed deliveries of the App", route=route, variables=variables)


def _failed(delivery: HookDelivery) -> FailedDelivery:
    return FailedDelivery(
        id=delivery.id,
        guid=DeliveryId(delivery.guid),
        event=delivery.event,
        at=delivery.delivered_at,
        refused=delivery.status_code in _REFUSALS,
    )
