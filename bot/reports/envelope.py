"""The envelope of every report: who made it, of what, until when it holds, and how it ended."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from bot.domain.core.outcome import Outcome

SCHEMA: Final = r"^gatewright/([a-z][a-z-]{0,39})/v([1-9][0-9]{0,3})$"
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Mode = Literal["observe", "enforce"]


class Part(BaseModel):
    """A part of a report: camelCase in JSON, no unknown fields, no NaN."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        ser_json_inf_nan="strings",
    )


class Observed(Part):
    """A measured value with its one-sided 95 % bounds; None where the samples give none."""

    value: float | None
    low: float | None
    high: float | None
    samples: Annotated[int, Field(ge=0)]


class Check(Part):
    """One question of a report, with its answer."""

    name: str
    outcome: Outcome
    code: str
    """Stable."""
    sentence: str
    opens_with: str | None = None
    observed: Observed | None = None
    limit: float | None = None
    mode: Mode = "enforce"
    """`observe`: reported, and opens whatever the outcome is."""
    critical: bool = True
    """Otherwise it only warns."""


class Subject(Part):
    """What a report is about; a kind binds some of the fields."""

    repo: str
    project: str | None = None
    env: str
    release_candidate_id: str | None = None
    """The commit."""
    release: str | None = None
    """The plan that was applied."""
    inputs_digest: str | None = None
    change_digest: str | None = None
    state_serial: int | None = None
    policy_digest: str | None = None


class Window(Part):
    """The time that was measured."""

    start: AwareDatetime
    end: AwareDatetime
    days: Annotated[int, Field(ge=1)]


class Input(Part):
    """Another report that this one was made from."""

    kind: str
    sha256: Digest
    generated_at: AwareDatetime
    outcome: Outcome


class Warn(Part):
    """What does not fail the report, and should be read."""

    code: str
    """Stable."""
    sentence: str


class Report(Part):
    """One report; `data` is as its kind defines it."""

    schema_name: Annotated[str, Field(alias="schema", pattern=SCHEMA)]
    generator: str
    generated_at: AwareDatetime
    valid_until: AwareDatetime | None
    """None for kinds that do not expire."""
    actor: str
    subject: Subject
    correlation_id: str
    window: Window | None = None
    outcome: Outcome
    checks: tuple[Check, ...] = ()
    inputs: tuple[Input, ...] = ()
    warnings: tuple[Warn, ...] = ()
    data: dict[str, Any]

    @property
    def kind(self) -> str:
        """The name of its kind, as in `schema`."""
        return self.schema_name.split("/")[1]

    def to_bytes(self) -> bytes:
        """Return the file: JSON, indented, in the order of the fields, with a line end."""
        return self.model_dump_json(by_alias=True, indent=2).encode() + b"\n"


def digest_of(content: bytes) -> str:
    """Return the digest of a report: SHA-256 of its bytes as written, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def schema_of(kind: str, version: int = 1) -> str:
    """Return the value of `schema` of a kind."""
    return f"gatewright/{kind}/v{version}"


def as_input(report: Report, content: bytes) -> Input:
    """Return how another report names this one."""
    return Input(
        kind=report.kind,
        sha256=digest_of(content),
        generated_at=report.generated_at,
        outcome=report.outcome,
    )


def expires(report: Report, now: datetime) -> bool:
    """Whether a report's time is over."""
    return report.valid_until is not None and now >= report.valid_until
