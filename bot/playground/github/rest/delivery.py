"""One webhook delivery with what was sent. Not in the described subset."""

from __future__ import annotations

from bot.playground.github.errors import ApiError, not_found
from bot.playground.github.rest.apps import delivery_json
from bot.playground.github.rest.call import Call, Reply, Route


async def get_delivery(call: Call) -> Reply:
    """GET /app/hook/deliveries/{delivery_id}, with the request and its payload."""
    if not call.who.app:
        raise ApiError(401, "A JSON web token could not be decoded")
    entry = call.hub.state.data.deliveries.get(call.number("delivery_id"))
    if entry is None or entry.delivered_at is None:
        raise not_found()
    payload = call.hub.hooks.payload(entry.guid)
    body = {
        **delivery_json(entry),
        "url": call.hub.hooks.url,
        "request": {"headers": {"X-GitHub-Event": entry.event}, "payload": payload},
        "response": {"headers": {}, "payload": entry.answer},
    }
    return Reply(body=body)


ROUTES = (Route(method="GET", path="/app/hook/deliveries/{delivery_id}", handler=get_delivery),)
