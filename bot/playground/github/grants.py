"""Which events and REST operations GitHub allows with which permissions."""

from collections.abc import Iterable, Mapping, Sequence

EVENT_NEEDS: Mapping[str, str] = {
    # docs.github.com, "Webhook events and payloads", "Availability for GitHub Apps" of each event.
    "check_run": "checks:read",
    "check_suite": "checks:read",
    "issue_comment": "issues:read",
    "merge_group": "merge_queues:read",
    "pull_request": "pull_requests:read",
    "pull_request_review": "pull_requests:read",
    "push": "contents:read",
    "repository": "metadata:read",
    "status": "statuses:read",
}
_ACTION_NEEDS: Mapping[tuple[str, str], str] = {
    # The same page: "the app must have at least write-level access" to receive these.
    ("check_run", "requested_action"): "checks:write",
    ("check_run", "rerequested"): "checks:write",
    ("check_suite", "requested"): "checks:write",
    ("check_suite", "rerequested"): "checks:write",
}
_LEVELS = ("read", "write", "admin")


def grants(permissions: Mapping[str, str], need: str) -> bool:
    """Whether a set of permissions holds `area:level`; metadata is always readable."""
    area, _, level = need.partition(":")
    held = permissions.get(area)
    if held is None:
        return (area, level) == ("metadata", "read")
    return _LEVELS.index(held) >= _LEVELS.index(level)


def narrowed(permissions: Mapping[str, str], installed: Mapping[str, str]) -> dict[str, str]:
    """Return the permissions of a token that its installation still has."""
    return {
        area: min(level, installed.get(area, "read"), key=_LEVELS.index)
        for area, level in permissions.items()
        if area in installed or area == "metadata"
    }


def registration_faults(permissions: Mapping[str, str], events: Iterable[str]) -> list[str]:
    """Why GitHub would not save an App with these; tuist/tuist#10709 quotes both sentences."""
    wanted = list(events)
    unknown = [event for event in wanted if event not in EVENT_NEEDS]
    without = [
        event for event in wanted if event in EVENT_NEEDS and not grants(permissions, EVENT_NEEDS[event])
    ]
    faults = [f"Default events unsupported: {', '.join(unknown)}"] if unknown else []
    if unknown or without:
        faults.append(f"Default events are not supported by permissions: {', '.join([*unknown, *without])}")
    return faults


def events_allowed(permissions: Mapping[str, str], events: Iterable[str]) -> list[str]:
    """The events of an App that an installation with these permissions is subscribed to."""
    return [event for event in events if grants(permissions, EVENT_NEEDS[event])]


def delivers(permissions: Mapping[str, str], events: Sequence[str], event: str, action: str | None) -> bool:
    """Whether an installation is sent an event with that action."""
    needs = (EVENT_NEEDS[event], _ACTION_NEEDS.get((event, action or ""), EVENT_NEEDS[event]))
    return event in events and all(grants(permissions, need) for need in needs)


def accepted(before: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Return an installation's permissions after its App changed; new ones wait for its owner.

    docs.github.com, "Modifying a GitHub App registration": "Updated permissions won't take effect on an installation
    until the owner of the account or organization approves the changes".
    """
    return {
        area: min(before[area], level, key=_LEVELS.index) for area, level in wanted.items() if area in before
    }


def needs_header(needs: Iterable[str]) -> dict[str, str]:
    """Return the header with the permissions that an operation accepts, split by semicolons.

    GitHub's changelog of 2023-08-10, "X-Accepted-GitHub-Permissions header for fine-grained permission actors".
    """
    named = "; ".join(need.replace(":", "=") for need in needs)
    return {"X-Accepted-GitHub-Permissions": named} if named else {}
