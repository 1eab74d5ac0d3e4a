"""The reference of `gatewright.yaml`, made from the models that read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bot.domain.gates import GATES, Gate, When, overridable
from bot.domain.gates.table import RESERVED
from bot.policy import json_schema
from bot.policy.file import (
    AllowedDifference,
    ApplyEntry,
    DriftEntry,
    EnvironmentEntry,
    ParityEntry,
    PolicyFile,
    ProjectEntry,
    RefreshEntry,
    RiskEntry,
    TerraformEntry,
    TimeoutsEntry,
)
from bot.policy.thresholds import GroupsEntry, Threshold, ThresholdsEntry
from bot.policy.verify import (
    CommandCheck,
    HttpCheck,
    KubernetesCheck,
    OutputsCheck,
    TcpCheck,
    TerraformChecks,
)
from bot.policy.windows import Freeze, HoldWindow
from tests.docs.generate import shown, table

SECTIONS: Final[dict[str, type[BaseModel]]] = {
    "The file": PolicyFile,
    "terraform": TerraformEntry,
    "projects[]": ProjectEntry,
    "environments.NAME": EnvironmentEntry,
    "apply": ApplyEntry,
    "apply.risk": RiskEntry,
    "verify[] of type http": HttpCheck,
    "verify[] of type tcp": TcpCheck,
    "verify[] of type command": CommandCheck,
    "verify[] of type outputs": OutputsCheck,
    "verify[] of type kubernetes": KubernetesCheck,
    "verify[] of type terraform_checks": TerraformChecks,
    "hold_windows[]": HoldWindow,
    "freezes[]": Freeze,
    "drift": DriftEntry,
    "data_refresh": RefreshEntry,
    "timeouts": TimeoutsEntry,
    "thresholds": GroupsEntry,
    "thresholds.GROUP": ThresholdsEntry,
    "thresholds.GROUP.metrics.NAME": Threshold,
    "parity": ParityEntry,
    "parity.allowed[]": AllowedDifference,
}

NOT_YET: Final[dict[type[BaseModel], frozenset[str]]] = {
    PolicyFile: frozenset({"thresholds"}),
    KubernetesCheck: frozenset({"kubeconfig_output", "path"}),
    ApplyEntry: frozenset({"drill_max_age"}),
}
"""Keys that are read and checked, and that nothing acts on in this version."""


def gates(of: Sequence[Gate] = GATES) -> str:
    """Return one row per gate, in the order of `/gates`."""
    titles = ("Gate", "Judged", "Open when", "Opened by", "Asked of a revert", "`/override`", "`reason`")
    rows = [
        (
            f"`{gate.name}`",
            gate.when,
            gate.open_when,
            gate.opened_by,
            "no" if gate.revert is None else "yes",
            "yes" if gate.can_be_overridden else "never",
            ", ".join(f"`{reason}`" for reason in gate.reasons),
        )
        for gate in of
    ]
    return table(titles, rows)


def gates_of_reverts(of: Sequence[Gate] = GATES) -> str:
    """Return which gates a revert is judged by."""
    asked = [gate for gate in of if gate.revert is not None]
    always = [gate.name for gate in asked if gate.when is When.ALWAYS]
    named = [gate.name for gate in asked if gate.when is not When.ALWAYS]
    return f"A revert is judged by {_listed(always)} and, where the policy names them, {_listed(named)}."


def overridable_gates(of: Sequence[Gate] = GATES) -> str:
    """Return which gates two owners can open."""
    return f"Two owners can open {_listed(overridable(of), last='or')} once with `/override`."


def reserved_gates() -> str:
    """Return what a policy that names a gate of a later version means."""
    return (
        f"{_listed(RESERVED)} are reserved for gates that this version cannot judge: an environment that names"
        " one of them stays shut."
    )


def _listed(names: Sequence[str], *, last: str = "and") -> str:
    *most, final = (f"`{name}`" for name in names)
    return f"{', '.join(most)} {last} {final}" if most else final


def reference() -> str:
    """Return one section per mapping of the file, one row per key."""
    return "\n\n".join(_section(title, model) for title, model in SECTIONS.items())


def _section(title: str, model: type[BaseModel]) -> str:
    schema = json_schema()
    properties = (schema if model is PolicyFile else schema["$defs"][model.__name__])["properties"]
    rows = [
        (
            f"`{field.alias or name}`",
            _kind(properties[field.alias or name]),
            _default(field),
            _text(model, name, field),
        )
        for name, field in model.model_fields.items()
    ]
    heading = title if model is PolicyFile else f"`{title}`"
    doc = properties_text(model)
    return f"### {heading}\n\n{doc}\n\n{table(('Key', 'Value', 'Default', 'Meaning'), rows)}"


def properties_text(model: type[BaseModel]) -> str:
    """Return the first paragraph of a model's docstring."""
    return (model.__doc__ or "").strip().split("\n\n")[0]


def _text(model: type[BaseModel], name: str, field: FieldInfo) -> str:
    late = " *Not acted on yet.*" if name in NOT_YET.get(model, frozenset()) else ""
    # A row is one line, whatever the paragraphs of the description.
    said = " ".join((field.description or "Selects this check.").split())
    return f"{said}{late}"


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined and field.default_factory is None:
        return "**required**"
    if value in (None, "", (), PydanticUndefined) or isinstance(value, BaseModel | tuple):
        return "-"
    return f"`{shown(value)}`"


def _kind(prop: dict[str, Any]) -> str:
    kinds = list(dict.fromkeys(_kinds(prop)))
    return " or ".join(kinds)


def _kinds(prop: dict[str, Any]) -> Iterator[str]:
    if "anyOf" in prop:
        for option in prop["anyOf"]:
            if option.get("type") != "null":
                yield from _kinds(option)
    elif "const" in prop:
        yield f"`{prop['const']}`"
    elif "enum" in prop:
        yield ", ".join(f"`{value}`" for value in prop["enum"])
    elif "$ref" in prop:
        yield "mapping"
    elif str(prop.get("pattern", "")).endswith("[smhdw]$"):
        yield "duration"
    elif str(prop.get("pattern", "")).startswith("^@"):
        yield "`@org/team`"
    else:
        yield _WORDS[prop["type"]]


_WORDS: Final = {
    "array": "list",
    "boolean": "true or false",
    "integer": "whole number",
    "number": "number",
    "object": "mapping",
    "string": "text",
}
