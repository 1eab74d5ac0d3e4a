"""The reference of `gatewright.yaml`, made from the models that read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

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
    return f"{field.description or 'Selects this check.'}{late}"


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
