"""Tables of the documentation, made from the code that they describe.

`README.md` and the pages in `docs/` call these functions inside `cog` blocks; a test and `make check` refuse pages
that are not current.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bot.adapters.database.audit import KINDS
from bot.adapters.github.credentials import Profile
from bot.domain.refusals import Reason
from bot.metrics import Metrics
from bot.settings import PREFIX, Settings
from handlers import SPECS
from handlers.inbox import EVENTS
from tests.docs.sample import plan_comment_sample

__all__ = [
    "audit",
    "commands",
    "events",
    "metrics",
    "permissions",
    "plan_comment_sample",
    "reasons",
    "settings",
]

REASONS: Final[dict[Reason, str]] = {
    Reason.AMBIGUOUS_PLAN: "More than one plan could be meant; name one.",
    Reason.ALREADY_APPLIED: "This plan was applied before; a plan is applied once.",
    Reason.ALREADY_RUNNING: "An apply of this stack is running.",
    Reason.ARGUMENT: "A Terraform argument that is not on the allow list.",
    Reason.BASE: "The pull request is aimed at a branch that the policy does not serve: neither the default branch nor one of `branches`.",
    Reason.CHECKS: "A check that the commit must pass has failed, has not ended, was not reported, or could not be read.",
    Reason.CODEOWNERS: "Code owners have not approved what the plan does, or it could not be read whether they have.",
    Reason.CONFIG: "`gatewright.yaml` on the default branch is missing, not valid, or another one than the plan was made under.",
    Reason.CONFLICT: "The pull request does not merge cleanly into its base.",
    Reason.DRIFT: "The environment was changed outside Terraform, and nobody has explained it.",
    Reason.ENGINE_CHANGED: "The policy now names another Terraform than the plan was made with.",
    Reason.ENVIRONMENT: "No such environment, or none was named where one must be.",
    Reason.FORK: "The commit comes from a fork, and no maintainer has allowed it; its code is not run.",
    Reason.GATE: "A gate of the policy is shut, or is one that this version cannot judge.",
    Reason.HEAD_MOVED: "The pull request has newer commits than the plan.",
    Reason.HOLD: "Somebody holds the environment or has stopped everything, or the policy's calendar closes it now.",
    Reason.INPUTS_DIFFER: "The server gives other values of a variable to plans than to applies.",
    Reason.INTEGRITY: "The stored plan is not, bit for bit, the one that was reviewed.",
    Reason.LINEAGE: "The snapshot is of another lineage than the state: they are not versions of one state.",
    Reason.LOCKED: "Another pull request holds the stack.",
    Reason.NO_CHANGES: "There is nothing to plan or to apply.",
    Reason.NO_CONFIGURATION: "The root module has no Terraform configuration of its own, so everything would be destroyed.",
    Reason.NO_PLAN: "This pull request has no plan of the environment.",
    Reason.NOT_AVAILABLE: "The command is documented, but this version does not have it yet.",
    Reason.NOTHING_TO_REVERT: "There is no earlier release that was verified, or the pull request has applied nothing.",
    Reason.NOT_FOUND: "No such plan, run or command on this pull request.",
    Reason.NOT_VERIFIED: "The release was never seen to work there, so it is no way back.",
    Reason.NOT_YET: "Something else must end first, for example a plan that is being made.",
    Reason.OTHER_CHANGES: "The plan of an `/import` or `/state rm` would do something besides, for example to what the address depends on.",
    Reason.OTHER_BACKEND: "The code says that its state lies elsewhere, and there is none yet where the bot keeps it.",
    Reason.PERMISSION: "You lack the right that the command or the environment needs.",
    Reason.PLAN_EXPIRED: "The plan is older than `plan_expires`.",
    Reason.PLAN_NEWER_THAN_COMMAND: "The plan was posted after the comment was written, so nobody can have read it.",
    Reason.PLAN_STALE: "The plan is out of date: new commits, another base, canceled, or its apply failed.",
    Reason.PROJECT: "No such project, or none was named where one must be.",
    Reason.PROMOTED: "The same release was not applied and verified in the environment before, or it holds no longer.",
    Reason.PULL_CLOSED: "The pull request is closed.",
    Reason.PROVIDERS_CHANGED: "A release was made with other providers than this machine installs.",
    Reason.RISK: "The plan destroys, replaces or exposes more than `apply.risk` lets through.",
    Reason.SOURCE_MISSING: "What a release was made of is not in the object store any more.",
    Reason.STATE_MOVED: "The state was changed since the plan was made.",
    Reason.STATE_OWNER: "The state belongs to another repository, project or environment.",
    Reason.UNCONFIRMED: "`--confirm` did not repeat the count of what the command would bring about.",
    Reason.TREE_CHANGED: "A program that ran during the plan changed reviewed files, or added files that Terraform or git read by themselves.",
    Reason.UNDIVERGED: "The base has moved on, and what the plan is made of is another now.",
    Reason.UNFETCHED_CONTENT: "A submodule or a Git LFS pointer lies among the stack's inputs; what it stands for is not fetched.",
    Reason.UNSAFE_TREE: "The commit holds files that could redirect Terraform, such as a backend override.",
    Reason.USAGE: "The command is not written as it must be.",
}

PERMISSIONS: Final[dict[str, tuple[str, str]]] = {
    "checks": (
        "Checks",
        "The check runs `gatewright/plan` and `gatewright/apply`, `gatewright/policy` where `gatewright.yaml` is changed, and those that the policy asks for, such as `gatewright/parity`.",
    ),
    "contents": (
        "Contents",
        "Fetching the code and `gatewright.yaml`; writing for the branch of a revert pull request alone.",
    ),
    "deployments": ("Deployments", "One deployment per apply."),
    "issues": (
        "Issues",
        "GitHub offers the event *Issue comment* only with it; one issue per stack that was changed outside Terraform.",
    ),
    "members": ("Members (organisation)", "Teams named in `apply.allow` and in CODEOWNERS."),
    "metadata": (
        "Metadata",
        "Mandatory for every App; reading the rules of a branch, for the gate `checks`.",
    ),
    "pull_requests": (
        "Pull requests",
        "Reading pull requests, their commits and reviews; comments and reactions on them.",
    ),
    "statuses": ("Commit statuses", "Reading other checks of a commit, for the gate `checks`."),
}


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; bars inside cells are escaped."""
    cells = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in cells)


def commands() -> str:
    """Return the table of all commands."""
    rows = [(f"`{spec.usage}`", spec.summary, spec.who) for spec in SPECS]
    return table(("Command", "What it does", "Who may use it"), rows)


def reasons() -> str:
    """Return the table of refusal codes; KeyError for one that nobody has explained."""
    return table(("`reason`", "Meaning"), [(f"`{reason}`", REASONS[reason]) for reason in Reason])


def permissions() -> str:
    """Return what the App needs, and why; never more than its tokens ask for."""
    asked = {name: access for profile in Profile for name, access in sorted(profile.permissions.items())}
    writes = {
        name for profile in Profile for name, access in profile.permissions.items() if access == "write"
    }
    levels = {name: "write" if name in writes else "read" for name in asked}
    rows = [(PERMISSIONS[name][0], levels[name], PERMISSIONS[name][1]) for name in sorted(levels)]
    return table(("Permission", "Access", "What for"), rows)


def events() -> str:
    """Return the webhook events to subscribe to, in GitHub's words."""
    names = dict.fromkeys(event for event, _, _ in EVENTS)
    return ", ".join(f"**{name.replace('_', ' ').capitalize()}**" for name in names) + "."


def settings() -> str:
    """Return the table of all settings."""
    rows = [
        (f"`{PREFIX}{name.upper()}`", _default(field), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return table(("Setting", "Default", "Meaning"), rows)


def metrics() -> str:
    """Return the table of the server's own metrics."""
    made = Metrics()
    text = made.render().decode()
    kinds = dict(re.findall(r"^# TYPE (gatewright\S+) (\S+)$", text, re.MULTILINE))
    helps = dict(re.findall(r"^# HELP (gatewright\S+) (.*)$", text, re.MULTILINE))
    rows = [
        (
            f"`{name}`",
            kind,
            ", ".join(f"`{label}`" for label in sorted(_labels(made, name))) or "-",
            helps[name],
        )
        for name, kind in kinds.items()
    ]
    return table(("Metric", "Kind", "Labels", "Meaning"), rows)


def audit() -> str:
    """Return the table of what an export holds."""
    rows = [
        (
            f"`{kind.name}`",
            kind.about,
            ", ".join(f"`{name}`" for name in kind.fields()),
            "its run's `created_at`" if kind.time is None else f"`{kind.time}`",
        )
        for kind in KINDS
    ]
    return table(("`record`", "What it is", "Fields", "Filtered by"), rows)


def _labels(made: Metrics, name: str) -> frozenset[str]:
    if name == "gatewright_build_info":
        return frozenset({"version", "python"})
    return made.labels(name.removesuffix("_total"))


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined:
        return "**required**"
    plain = value.get_secret_value() if isinstance(value, SecretStr) else value
    return f"`{shown(plain)}`" if plain not in (None, "", ()) else "-"


def shown(value: object) -> str:
    """Return a default as a person would write it."""
    if isinstance(value, timedelta):
        return span(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Path):
        return value.as_posix()
    return f"{value:g}" if isinstance(value, float) else str(value)


def span(value: timedelta) -> str:
    """Return a duration as the policy writes it: `30m`, `7d`."""
    seconds = int(value.total_seconds())
    sizes = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    unit = next(unit for unit, size in sizes.items() if seconds % size == 0)
    return f"{seconds // sizes[unit]}{unit}"
