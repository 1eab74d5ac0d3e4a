"""The permissions and events that the GitHub App needs, a table each.

docs/install.md, the App manifest, `gatewright doctor`, the tokens and the stand-in's App all follow from these tables.
Names are GitHub's own (`pull_requests`), titles are those of its settings pages ("Pull requests").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Access(StrEnum):
    """A level of a permission; write includes read."""

    READ = "read"
    WRITE = "write"

    def includes(self, other: Access) -> bool:
        """Whether this level includes the other one."""
        return self is Access.WRITE or other is Access.READ


@dataclass(frozen=True, slots=True, kw_only=True)
class AppPermission:
    """One permission of the App."""

    name: str
    title: str
    access: Access
    needed_for: str
    required: Access | None
    """The least level with which Gatewright works; None where it works without any."""
    lost: str = ""
    """What does not work with less than `access`; empty where nothing works."""
    is_of_organization: bool = False
    """Whether only organisations have it; an installation on a personal account never does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppEvent:
    """A webhook event that the App subscribes to, and the permission that it needs."""

    name: str
    title: str
    permission: str
    access: Access
    needed_for: str
    required: bool = False


PERMISSIONS: Final = (
    AppPermission(
        name="checks",
        title="Checks",
        access=Access.WRITE,
        needed_for="The check runs `gatewright/plan` and `gatewright/apply`, `gatewright/policy` where"
        " `gatewright.yaml` is changed, and those that the policy names, such as `gatewright/parity`; the checks of"
        " others, for the gate `checks`.",
        required=Access.WRITE,
    ),
    AppPermission(
        name="contents",
        title="Contents",
        access=Access.WRITE,
        needed_for="Reading the code, `gatewright.yaml` and who pushed; writing the branch of a revert pull request,"
        " and nothing else.",
        required=Access.READ,
        lost="`/revert` cannot open a pull request that undoes the code",
    ),
    AppPermission(
        name="deployments",
        title="Deployments",
        access=Access.WRITE,
        needed_for="One deployment per apply, on GitHub's page *Deployments*.",
        required=None,
        lost="GitHub's page Deployments does not show what was applied",
    ),
    AppPermission(
        name="issues",
        title="Issues",
        access=Access.WRITE,
        needed_for="GitHub sends the event *Issue comment* only with it; writing for the issues that report drift.",
        required=Access.READ,
        lost="drift and failed data copies are not reported in an issue",
    ),
    AppPermission(
        name="members",
        title="Members",
        access=Access.READ,
        needed_for="Who belongs to the teams that `apply.allow` and CODEOWNERS name.",
        required=None,
        lost="no team that `apply.allow` or CODEOWNERS names counts",
        is_of_organization=True,
    ),
    AppPermission(
        name="merge_queues",
        title="Merge queues",
        access=Access.READ,
        needed_for="GitHub sends the event *Merge group* only with it.",
        required=None,
        lost="a merge queue never gets Gatewright's checks and removes the pull request after its time limit",
    ),
    AppPermission(
        name="metadata",
        title="Metadata",
        access=Access.READ,
        needed_for="Mandatory for every App; people's rights, and the rules of a branch for the gate `checks`.",
        required=Access.READ,
    ),
    AppPermission(
        name="pull_requests",
        title="Pull requests",
        access=Access.WRITE,
        needed_for="Reading pull requests, their commits and reviews; comments and reactions on them.",
        required=Access.WRITE,
    ),
    AppPermission(
        name="statuses",
        title="Commit statuses",
        access=Access.READ,
        needed_for="Reading the commit statuses of others, for the gate `checks`.",
        required=None,
        lost="the gate `checks` cannot be judged and stays shut",
    ),
)
"""Every permission of the App; the adapters narrow each token to what it needs."""

EVENTS: Final = (
    AppEvent(
        name="check_run",
        title="Check run",
        permission="checks",
        access=Access.WRITE,
        needed_for="The buttons and *Re-run* of Gatewright's checks; the checks of others.",
    ),
    AppEvent(
        name="check_suite",
        title="Check suite",
        permission="checks",
        access=Access.WRITE,
        needed_for="*Re-run all checks*.",
    ),
    AppEvent(
        name="issue_comment",
        title="Issue comment",
        permission="issues",
        access=Access.READ,
        needed_for="Commands.",
        required=True,
    ),
    AppEvent(
        name="merge_group",
        title="Merge group",
        permission="merge_queues",
        access=Access.READ,
        needed_for="The checks that a merge queue waits for.",
    ),
    AppEvent(
        name="pull_request",
        title="Pull request",
        permission="pull_requests",
        access=Access.READ,
        needed_for="Plans of new commits; merges and closed pull requests.",
        required=True,
    ),
    AppEvent(
        name="pull_request_review",
        title="Pull request review",
        permission="pull_requests",
        access=Access.READ,
        needed_for="Approvals, each for the commit that it was given for.",
        required=True,
    ),
    AppEvent(
        name="push",
        title="Push",
        permission="contents",
        access=Access.READ,
        needed_for="Who pushed a commit; plans that a push to the base makes stale.",
        required=True,
    ),
    AppEvent(
        name="status",
        title="Status",
        permission="statuses",
        access=Access.READ,
        needed_for="Commit statuses of others, for the gate `checks`.",
    ),
)


def app_permissions(*, only_required: bool = False) -> dict[str, str]:
    """Return the levels to ask for, by GitHub's name of each permission."""
    found = [(one.name, one.required if only_required else one.access) for one in PERMISSIONS]
    return {name: access.value for name, access in found if access is not None}


def app_events(permissions: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the events to subscribe to with `permissions`, by default all of the table."""
    held = app_permissions() if permissions is None else permissions
    return tuple(event.name for event in EVENTS if holds(held, event.permission, event.access))


def holds(permissions: Mapping[str, str], name: str, access: Access) -> bool:
    """Whether a set of permissions, as GitHub writes it, includes one at that level."""
    held = permissions.get(name)
    # Some permissions have a third level, which includes the others.
    return held is not None and (held != Access.READ.value or access is Access.READ)


def permission(name: str) -> AppPermission:
    """Return the row of a permission; KeyError for one that the App does not need."""
    return {one.name: one for one in PERMISSIONS}[name]
