"""Makes the baseline report of an environment from the facts of its runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bot.domain.core.errors import PolicyError
from bot.domain.measures.baseline import Baseline, baseline_of, measured_runs, ranks
from bot.policy import load_policy
from bot.policy.thresholds import ThresholdsEntry
from bot.ports import Clock, Reader, Records
from bot.ports.records.measures import FactFilter
from bot.reports.baseline import KIND, baseline_data, checks_of
from bot.reports.envelope import Report, Subject, Window
from bot.reports.judging import Leniency, outcome_of, warnings_of
from bot.reports.kinds import KINDS
from bot.reports.thresholds import DEFAULTS, METRICS, Source, Threshold, merged

_NO_GROUP: Final = ThresholdsEntry()


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineRequest:
    """What is measured, and by which limits."""

    repo: str
    env: str
    project: str | None
    days: int
    flags: Mapping[str, Threshold]
    """Limits of the command line; they come before all others."""
    file: ThresholdsEntry | None
    """The group `baseline` of a thresholds file; it comes before the policy's."""
    use_defaults: bool
    """Whether metrics without a limit get the default one."""
    actor: str
    generator: str
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Baselines:
    """Facts in, report out."""

    records: Records
    clock: Clock

    async def report(self, request: BaselineRequest) -> Report:
        """Return the report of the last days up to now."""
        now = self.clock.now()
        window = Window(start=now - timedelta(days=request.days), end=now, days=request.days)
        wanted = FactFilter(
            repo=request.repo, env=request.env, project=request.project, since=window.start, until=window.end
        )
        async with self.records.read() as reader:
            found = await _measure(reader, wanted)
            in_force = await reader.policy_in_force(request.repo)
        policy = _group_of_policy(in_force)
        group = request.file or policy
        used = _thresholds(request, policy)
        leniency = Leniency(insufficient=group.insufficient, empty_sample=group.empty_sample)
        checks = checks_of(found, used)
        kind = KINDS[KIND]
        return Report(
            schema_name=kind.schema,
            generator=request.generator,
            generated_at=now,
            valid_until=None if kind.age is None else now + kind.age,
            actor=request.actor,
            subject=_subject(request, in_force),
            correlation_id=request.correlation_id,
            window=window,
            outcome=outcome_of(checks, leniency),
            checks=checks,
            warnings=warnings_of(checks, leniency),
            data=baseline_data(found, window, checks, used, leniency).model_dump(mode="json", by_alias=True),
        )


def _subject(request: BaselineRequest, in_force: tuple[str, str] | None) -> Subject:
    return Subject(
        repo=request.repo,
        project=request.project,
        env=request.env,
        policy_digest=None if in_force is None else in_force[0],
    )


async def _measure(reader: Reader, wanted: FactFilter) -> Baseline:
    counts = await reader.fact_counts(wanted)
    needed = ranks(measured_runs(counts))
    run_ms = await reader.times_at(wanted, "run_ms", needed)
    queue_ms = await reader.times_at(wanted, "queue_ms", needed)
    return baseline_of(counts, run_ms=run_ms.__getitem__, queue_ms=queue_ms.__getitem__)


def _group_of_policy(in_force: tuple[str, str] | None) -> ThresholdsEntry:
    if in_force is None:
        return _NO_GROUP
    try:
        return load_policy(in_force[1]).thresholds.baseline
    except PolicyError:
        # An older version wrote it, under other rules.
        return _NO_GROUP


def _thresholds(request: BaselineRequest, policy: ThresholdsEntry) -> tuple[Threshold, ...]:
    return merged(
        request.flags,
        {} if request.file is None else _of_group(request.file, "file"),
        _of_group(policy, "policy"),
        DEFAULTS if request.use_defaults else {},
    )


def _of_group(group: ThresholdsEntry, source: Source) -> Mapping[str, Threshold]:
    """Return the thresholds of a group; metrics that this version does not measure are left out."""
    return {
        name: Threshold(
            metric=name,
            direction=entry.direction,
            limit=None if entry.limit is None else float(entry.limit),
            change=None if entry.change is None else float(entry.change),
            min_samples=entry.min_samples,
            critical=entry.critical,
            mode=entry.mode or group.mode,
            source=source,
        )
        for name, entry in group.metrics.items()
        if name in METRICS
    }
