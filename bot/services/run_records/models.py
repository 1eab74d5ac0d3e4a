"""Records of runs and policies as JSON: camelCase, as in reports."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from bot.domain.core.accounts import Account
from bot.domain.core.model import FailureClass, Run, RunKind, RunStatus
from bot.domain.gates import GateResult, Outcome
from bot.domain.plans.plan import Risk, RiskLevel
from bot.ports import TimelineEntry
from bot.ports.records.policies import PolicyVersion


class Model(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON values."""
        return self.model_dump(mode="json", by_alias=True)


class Person(Model):
    """An account at GitHub, or Gatewright itself."""

    login: str
    id: int | None
    """None in records of older versions."""


class RunRecord(Model):
    """One execution on one stack."""

    id: str
    kind: RunKind
    status: RunStatus
    failure_class: FailureClass | None
    repo: str
    project: str
    env: str
    pull: int | None
    head_sha: str | None
    base_sha: str | None
    release_candidate_id: str | None
    """The commit that it runs."""
    actor: Person
    plan_id: str | None
    policy_digest: str | None
    correlation_id: str
    """Shared by everything that one delivery caused."""
    has_risk_summary: bool
    summary: str | None
    cancel_requested_by: Person | None
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None

    @classmethod
    def of(cls, run: Run) -> RunRecord:
        """Return the record of a run."""
        return cls(**_fields(run))


class RunPage(Model):
    """A page of runs, newest first."""

    runs: tuple[RunRecord, ...]
    next: str | None
    """`before` of the next page; None on the last one."""


class RiskRecord(Model):
    """What a plan destroys, replaces or exposes."""

    level: RiskLevel
    score: int
    reasons: tuple[str, ...]
    destroys: tuple[str, ...]
    replaces: tuple[str, ...]
    exposes: tuple[str, ...]
    stateful: tuple[str, ...]

    @classmethod
    def of(cls, risk: Risk) -> RiskRecord:
        """Return the record of a risk."""
        return cls(
            level=risk.level,
            score=risk.score,
            reasons=risk.reasons,
            destroys=risk.destroys,
            replaces=risk.replaces,
            exposes=risk.exposes,
            stateful=risk.stateful,
        )


class GateRecord(Model):
    """What a gate said just before the change of a run."""

    gate: str
    outcome: Outcome
    reason: str | None
    sentence: str
    opens_with: str | None

    @classmethod
    def of(cls, result: GateResult) -> GateRecord:
        """Return the record of a gate's result."""
        return cls(
            gate=result.gate,
            outcome=result.outcome,
            reason=result.reason,
            sentence=result.sentence,
            opens_with=result.opens_with,
        )


class RunDetail(RunRecord):
    """A run with the risk of its plan, its gates and the names of its artifacts."""

    risk: RiskRecord | None
    gates: tuple[GateRecord, ...]
    artifacts: tuple[str, ...]

    @classmethod
    def made(
        cls, run: Run, *, risk: Risk | None, gates: tuple[GateResult, ...], artifacts: tuple[str, ...]
    ) -> RunDetail:
        """Return the record of a run with what belongs to it."""
        return cls(
            **_fields(run),
            risk=None if risk is None else RiskRecord.of(risk),
            gates=tuple(GateRecord.of(result) for result in gates),
            artifacts=artifacts,
        )


class TimelineRecord(Model):
    """A transition of a run."""

    status: RunStatus
    at: AwareDatetime
    actor: Person
    why: str

    @classmethod
    def of(cls, entry: TimelineEntry) -> TimelineRecord:
        """Return the record of a timeline entry."""
        return cls(status=entry.status, at=entry.at, actor=_person(entry.actor), why=entry.why)


class Timeline(Model):
    """The transitions of a run, oldest first."""

    run_id: str
    entries: tuple[TimelineRecord, ...]


class PolicyRecord(Model):
    """A valid version of a repository's policy."""

    repo: str
    digest: str
    commit: str
    """The commit that it was read from first."""
    recorded_at: AwareDatetime
    in_force: bool
    """Whether it is the one that was read last."""

    @classmethod
    def of(cls, version: PolicyVersion) -> PolicyRecord:
        """Return the record of a version."""
        return cls(**_version_fields(version))


class PolicyPage(Model):
    """A page of versions, newest first."""

    versions: tuple[PolicyRecord, ...]
    next: str | None
    """`before` of the next page; None on the last one."""


class PolicyDetail(PolicyRecord):
    """A version with its text."""

    text: str = Field(description="The file as it was read.")

    @classmethod
    def of(cls, version: PolicyVersion) -> PolicyDetail:
        """Return the record of a version that was read with its text."""
        return cls(**_version_fields(version), text=version.text or "")


def _fields(run: Run) -> dict[str, Any]:
    own = set(RunRecord.model_fields) - {"repo", "project", "env", "actor", "cancel_requested_by"}
    canceler = run.cancel_requested_by
    return {
        **{name: getattr(run, name) for name in own},
        **{name: getattr(run.stack, name) for name in ("repo", "project", "env")},
        "actor": _person(run.actor),
        "cancel_requested_by": None if canceler is None else _person(canceler),
    }


def _version_fields(version: PolicyVersion) -> dict[str, Any]:
    return {name: getattr(version, name) for name in PolicyRecord.model_fields}


def _person(account: Account) -> Person:
    return Person(login=account.login, id=account.id)
