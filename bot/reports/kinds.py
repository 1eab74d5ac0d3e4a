"""The table of report kinds: a new kind is one module with one entry here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import pydantic

from bot.reports import baseline
from bot.reports.envelope import Part, Report, Subject, schema_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of report."""

    name: str
    """Stable: it is part of `schema`."""
    file: str
    """Default name of its file in `--report-dir`."""
    holds_for: tuple[str, ...]
    """Fields of the subject for which it counts, besides repository and project."""
    age: timedelta | None
    """How long it counts; None if it does not expire by age."""
    data: type[Part]
    """The model of `data`."""
    errors: Callable[[Any], Iterator[str]]
    """Yields what contradicts itself in valid data."""
    section: Callable[[Report, Any], str]
    """Returns its Markdown section."""

    @property
    def schema(self) -> str:
        """The value of `schema` in its reports."""
        return schema_of(self.name)


KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind(
            name=baseline.KIND,
            file="baseline.json",
            holds_for=("env", "policy_digest"),
            age=timedelta(hours=24),
            data=baseline.BaselineData,
            errors=baseline.errors_of,
            section=baseline.section,
        ),
    )
}


def counts_for(report: Report, subject: Subject) -> bool:
    """Whether a report was made of this subject, as far as its kind is bound to it."""
    kind = KINDS.get(report.kind)
    if kind is None:
        return False
    fields = ("repo", "project", *kind.holds_for)
    return all(getattr(report.subject, name) == getattr(subject, name) for name in fields)


def json_schema(kind: Kind) -> dict[str, Any]:
    """Return the JSON Schema of a kind's files."""
    model = pydantic.create_model(
        "".join(word.title() for word in kind.name.split("-")) + "Report",
        __base__=Report,
        schema_name=(str, pydantic.Field(alias="schema", json_schema_extra={"const": kind.schema})),
        data=(kind.data, ...),
    )
    return model.model_json_schema(by_alias=True)
