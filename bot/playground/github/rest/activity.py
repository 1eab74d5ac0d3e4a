"""The activity of a repository, newest first, a page at a time by cursor."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlencode

from bot.playground.github.errors import ApiError
from bot.playground.github.hub import node_id
from bot.playground.github.records.model import Activity
from bot.playground.github.records.times import stamp
from bot.playground.github.rest.call import Call, Reply, Route
from bot.playground.github.shapes.accounts import user_json

Json = dict[str, Any]
_PERIODS = {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366}
_PER_PAGE, _MOST = 30, 100


async def list_activities(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/activity (REST docs, "List repository activities")."""
    found = _wanted(call)
    if call.query.get("direction", "desc") == "desc":
        found.reverse()
    size = call.query.get("per_page", "")
    most = max(1, min(_MOST, int(size) if size.isdigit() else _PER_PAGE))
    start = 0
    if "after" in call.query:
        start = _position(found, call.query["after"]) + 1
    elif "before" in call.query:
        start = max(0, _position(found, call.query["before"]) - most)
    page = found[start : start + most]
    links = []
    if page and start > 0:
        links.append(_link(call, "before", page[0], "prev"))
    if page and start + most < len(found):
        links.append(_link(call, "after", page[-1], "next"))
    headers = {"Link": ", ".join(links)} if links else {}
    return Reply(body=[_activity_json(call, each) for each in page], headers=headers)


def _wanted(call: Call) -> list[Activity]:
    repo, query = call.repo(), call.query
    ref = query.get("ref")
    refs = {ref, f"refs/heads/{ref}"}
    days = _PERIODS.get(query.get("time_period", ""))
    since = None if days is None else call.hub.clock() - days * 86_400
    actor = call.hub.state.data.accounts.get(query.get("actor", "").lower())
    return [
        each
        for each in call.hub.state.data.activities
        if each.repo == repo.full_name
        and (ref is None or each.ref in refs)
        and (since is None or each.at >= since)
        and ("actor" not in query or (actor is not None and each.actor == actor.id))
        and query.get("activity_type", each.kind) == each.kind
    ]


def _position(found: list[Activity], cursor: str) -> int:
    for position, each in enumerate(found):
        if _cursor(each) == cursor:
            return position
    raise ApiError(422, "Invalid cursor")


def _cursor(activity: Activity) -> str:
    """Opaque to clients, as in GitHub's own links."""
    return base64.urlsafe_b64encode(f"v1:{activity.id}".encode()).decode()


def _link(call: Call, name: str, activity: Activity, rel: str) -> str:
    query = {key: value for key, value in call.query.items() if key not in {"after", "before"}}
    address = f"{call.hub.api_url}{call.path}?{urlencode({**query, name: _cursor(activity)})}"
    return f'<{address}>; rel="{rel}"'


def _activity_json(call: Call, activity: Activity) -> Json:
    """One entry; the actor of a deleted account is null."""
    accounts = call.hub.state.data.accounts.values()
    actor = next((each for each in accounts if each.id == activity.actor), None)
    return {
        "id": activity.id,
        "node_id": node_id("PushEvent", activity.id),
        "before": activity.before,
        "after": activity.after,
        "ref": activity.ref,
        "timestamp": stamp(activity.at),
        "activity_type": activity.kind,
        "actor": None if actor is None else user_json(call.hub, actor.login),
    }


ROUTES = (
    Route(
        method="GET",
        path="/repos/{owner}/{repo}/activity",
        handler=list_activities,
        # GitHub's pages list no permission of its own for it; the contents are what it tells about.
        needs=("contents:read",),
    ),
)
