"""Make tables of the documentation from the code that they describe.

Pages in `docs/` call these functions inside `cog` blocks; a test and `make check` fail if a page is out of date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bot.adapters.database.queries.audit import KINDS
from bot.domain.core.app_permissions import EVENTS as APP_EVENTS
from bot.domain.core.app_permissions import PERMISSIONS, AppPermission
from bot.domain.core.refusals import Reason
from bot.domain.core.workflows import WORKFLOWS
from bot.metrics import Metrics
from bot.settings import PREFIX, Settings
from handlers import SPECS
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
    "workflows",
]


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; bars inside cells are escaped."""
    cells = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in cells)


def commands() -> str:
    """Return the table of all commands."""
    rows = [(f"`{spec.usage}`", spec.summary, spec.who) for spec in SPECS]
    return table(("Command", "What it does", "Who may use it"), rows)


def workflows() -> str:
    """Return the table of durable workflows."""
    rows = [
        (
            f"`{each.name}`",
            f"`{each.queue}`",
            each.purpose,
            each.argument,
            f"`{each.enqueued_by}`",
            f"`{each.calls.partition(':')[0].replace('.', '/')}.py`",
        )
        for each in WORKFLOWS
    ]
    return table(("Workflow", "Queue", "What it does", "Given", "Enqueued by", "Calls"), rows)


def reasons() -> str:
    """Return the table of refusal codes."""
    return table(("`reason`", "Meaning"), [(f"`{reason}`", reason.explanation) for reason in Reason])


def permissions() -> str:
    """Return what the App asks for, and why."""
    rows = [
        (
            f"{each.title} (organisation)" if each.is_of_organization else each.title,
            each.access.value,
            _required(each),
            each.needed_for,
        )
        for each in PERMISSIONS
    ]
    return table(("Permission", "Access", "Required", "What for"), rows)


def _required(needed: AppPermission) -> str:
    if needed.required is needed.access:
        return "yes"
    if needed.required is None:
        return f"no; without it, {needed.lost}"
    return f"{needed.required}; without {needed.access}, {needed.lost}"


def events() -> str:
    """Return the webhook events to subscribe to, in GitHub's words."""
    titles = {each.name: each.title for each in PERMISSIONS}
    rows = [(event.title, titles[event.permission], event.needed_for) for event in APP_EVENTS]
    return table(("Event", "Comes with", "What for"), rows)


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
