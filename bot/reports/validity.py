"""Whether a report file holds: its form, its schema, its sums, its age and its subject."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import pydantic

from bot.reports.envelope import Part, Report, Subject, digest_of, expires
from bot.reports.kinds import KINDS, counts_for

CLOCK_SKEW: Final = timedelta(minutes=2)
"""How far in the future a report may have been made."""
_MOST_ERRORS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a report does not hold."""

    code: str
    """Stable: `report_invalid`, `report_tampered`, `report_wrong_subject`, `report_expired`, `clock_skew`."""
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadReport:
    """A report file whose form is right."""

    report: Report
    data: Part
    sha256: str


class InvalidReportError(ValueError):
    """The bytes are not a report of a known kind; `errors` says what is wrong, and where."""

    def __init__(self, errors: tuple[str, ...]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


def read_report(content: bytes) -> ReadReport:
    """Return the report in a file; InvalidReportError if form, schema or sums are wrong."""
    try:
        report = Report.model_validate_json(content)
    except pydantic.ValidationError as error:
        raise InvalidReportError(_places(error, "")) from None
    kind = KINDS.get(report.kind)
    if kind is None or report.schema_name != kind.schema:
        known = ", ".join(each.schema for each in KINDS.values())
        raise InvalidReportError((f"schema: {report.schema_name} is not known; known are {known}",))
    try:
        data = kind.data.model_validate_json(pydantic.TypeAdapter(object).dump_json(report.data))
    except pydantic.ValidationError as error:
        raise InvalidReportError(_places(error, "data.")) from None
    contradictions = tuple(kind.errors(data))[:_MOST_ERRORS]
    if contradictions:
        raise InvalidReportError(contradictions)
    return ReadReport(report=report, data=data, sha256=digest_of(content))


def fault_of(
    content: bytes, *, now: datetime, subject: Subject | None = None, sha256: str | None = None
) -> Fault | None:
    """Return the first thing that does not hold; None if the report holds.

    `subject` is what it must be about, `sha256` what is recorded of it; each is left out where it is unknown.
    """
    if sha256 is not None and digest_of(content) != sha256:
        return Fault(code="report_tampered", sentence="The file is not the one whose digest is recorded.")
    try:
        report = read_report(content).report
    except InvalidReportError as error:
        return Fault(code="report_invalid", sentence=f"{error.errors[0]}.")
    if report.generated_at > now + CLOCK_SKEW:
        made = report.generated_at.isoformat()
        return Fault(code="clock_skew", sentence=f"generatedAt is in the future ({made}).")
    if subject is not None and not counts_for(report, subject):
        return Fault(code="report_wrong_subject", sentence=_other_subject(report, subject))
    if expires(report, now):
        return Fault(code="report_expired", sentence=f"It was valid until {report.valid_until}.")
    return None


def _other_subject(report: Report, subject: Subject) -> str:
    kind = KINDS[report.kind]
    for name in ("repo", "project", *kind.holds_for):
        found, wanted = getattr(report.subject, name), getattr(subject, name)
        if found != wanted:
            field = Subject.model_fields[name].alias or name
            return f"subject.{field} is {found or 'missing'}, not {wanted or 'empty'}."
    return "It is about something else."


def _places(error: pydantic.ValidationError, prefix: str) -> tuple[str, ...]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return tuple(_place(each["loc"], each["msg"], prefix) for each in found[:_MOST_ERRORS])


def _place(where: tuple[int | str, ...], message: str, prefix: str) -> str:
    path = ".".join(str(part) for part in where)
    return f"{prefix}{path}: {message}" if path else f"not a report: {message}"
