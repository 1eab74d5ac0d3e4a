"""`baseline`: rates and latencies of an environment's runs, with limits on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Final

from pydantic import Field
from pydantic.alias_generators import to_snake

from bot.comments.markdown.escape import text
from bot.comments.markdown.words import counted, minute
from bot.domain.core.outcome import Outcome
from bot.domain.measures import baseline as measured
from bot.domain.measures.bounds import Measured
from bot.domain.measures.limits import Limit, judge
from bot.reports.envelope import Check, Mode, Observed, Part, Report, Window
from bot.reports.judging import Leniency, outcome_of, violations
from bot.reports.thresholds import Source, Threshold, is_rate

KIND: Final = "baseline"
_SUM_TOLERANCE: Final = 1e-9
_PARTS_OF_ONE: Final = ("successRate", "failedRate", "canceledRate", "timeoutRate")

Rate = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


class RateValue(Part):
    """A share of runs with its bounds."""

    value: Rate
    low: Rate
    high: Rate
    samples: Count


class Percentiles(Part):
    """Times in milliseconds."""

    p50: Observed
    p95: Observed
    p99: Observed


class Rates(Part):
    """The first four sum to 1, or are all 0 without samples."""

    success_rate: RateValue
    failed_rate: RateValue
    canceled_rate: RateValue
    timeout_rate: RateValue
    degraded_rate: RateValue


class UsedThreshold(Part):
    """A threshold that the gate has used."""

    metric: str
    limit: float
    source: Source
    mode: Mode


class GateOfBaseline(Part):
    """How the limits were kept."""

    evaluated: bool
    """False without any threshold."""
    passed: bool
    violations: tuple[str, ...]
    """Metrics that shut the gate."""
    thresholds: tuple[UsedThreshold, ...]


class BaselineData(Part):
    """The `data` of a baseline report."""

    window: Window
    sample_size: Count
    excluded: dict[str, Count]
    """Reason -> number of ended runs that are not measured."""
    by_failure_class: dict[str, Count]
    rates: Rates
    latency_ms: Percentiles
    queue_ms: Percentiles
    gate: GateOfBaseline


def baseline_data(
    found: measured.Baseline,
    window: Window,
    checks: Sequence[Check],
    used: Sequence[Threshold],
    leniency: Leniency,
) -> BaselineData:
    """Return the data of a report on measured runs; `checks` are as `checks_of` returns them."""
    return BaselineData(
        window=window,
        sample_size=found.samples,
        excluded={str(reason): count for reason, count in sorted(found.left_out.items())},
        by_failure_class={str(name): count for name, count in sorted(found.by_failure_class.items())},
        rates=Rates.model_validate({name: _rate(value) for name, value in found.rates.items()}),
        latency_ms=_percentiles(found, "latency_ms"),
        queue_ms=_percentiles(found, "queue_ms"),
        gate=_gate(checks, used, leniency),
    )


def checks_of(found: measured.Baseline, thresholds: Sequence[Threshold]) -> tuple[Check, ...]:
    """Judge each absolute limit; thresholds that only compare with a reference are left out."""
    return tuple(_check(found, each, each.limit) for each in thresholds if each.limit is not None)


def metric_of(found: measured.Baseline, name: str) -> tuple[Measured, int | None]:
    """Return a metric, with the number of bad runs behind a rate; KeyError for an unknown name."""
    if is_rate(name):
        return found.rates[name], found.bad[name]
    group, _, percent = name.partition(".p")
    values = {"latencyMs": found.latency_ms, "queueMs": found.queue_ms}[group]
    return values[int(percent)], None


def errors_of(data: BaselineData) -> Iterator[str]:
    """Yield what contradicts itself: sums, sample counts, and the gate."""
    rates = data.rates
    values = [rates.success_rate, rates.failed_rate, rates.canceled_rate, rates.timeout_rate]
    total = sum(each.value for each in values)
    wanted = 1.0 if data.sample_size else 0.0
    if abs(total - wanted) > _SUM_TOLERANCE:
        yield f"data.rates: {', '.join(_PARTS_OF_ONE)} sum to {total:g}, not to {wanted:g}"
    for name, each in zip(_PARTS_OF_ONE, values, strict=True):
        if each.samples != data.sample_size:
            yield f"data.rates.{name}.samples is {each.samples}, but data.sampleSize is {data.sample_size}"
    for name, group in (("latencyMs", data.latency_ms), ("queueMs", data.queue_ms)):
        yield from _errors_of_percentiles(name, group, data.sample_size)
    bad = round((total - rates.success_rate.value) * data.sample_size)
    classes = sum(data.by_failure_class.values())
    if classes > bad:
        yield f"data.byFailureClass counts {classes} runs, but only {bad} did not succeed"
    if data.gate.evaluated != bool(data.gate.thresholds):
        yield "data.gate.evaluated contradicts data.gate.thresholds"
    if data.gate.passed == bool(data.gate.violations):
        yield "data.gate.passed contradicts data.gate.violations"


def _errors_of_percentiles(name: str, group: Percentiles, samples: int) -> Iterator[str]:
    values = [group.p50, group.p95, group.p99]
    for percent, each in zip(measured.PERCENTILES, values, strict=True):
        if each.samples != samples:
            yield f"data.{name}.p{percent}.samples is {each.samples}, but data.sampleSize is {samples}"
        if (each.value is None) != (samples == 0):
            yield f"data.{name}.p{percent}.value contradicts its number of samples"
    found = [each.value for each in values if each.value is not None]
    if found != sorted(found):
        yield f"data.{name}: the percentiles do not ascend"


def _check(found: measured.Baseline, threshold: Threshold, limit: float) -> Check:
    value, bad = metric_of(found, threshold.metric)
    rule = Limit(
        direction=threshold.direction,
        value=limit,
        min_samples=threshold.min_samples,
        min_bad=threshold.min_bad,
    )
    outcome = judge(value, rule, bad=bad)
    return Check(
        name=threshold.metric,
        outcome=outcome,
        code=_code(outcome, value),
        sentence=_sentence(threshold, value, limit, outcome),
        observed=_observed(value),
        limit=limit,
        mode=threshold.mode,
        critical=threshold.critical,
    )


def _code(outcome: Outcome, value: Measured) -> str:
    if outcome is Outcome.INCONCLUSIVE:
        return "empty_sample" if value.samples == 0 else "too_few_samples"
    return "limit_kept" if outcome is Outcome.PASS else "limit_broken"


def _sentence(threshold: Threshold, value: Measured, limit: float, outcome: Outcome) -> str:
    side = "at least" if threshold.direction == "at_least" else "at most"
    allowed = f"{side} {shown(threshold.metric, limit)} is allowed ({threshold.source})"
    if value.samples == 0 or value.value is None:
        return f"{threshold.metric}: no run was measured; {allowed}."
    said = f"{threshold.metric} is {shown(threshold.metric, value.value)} of {value.samples} runs; {allowed}"
    if outcome is not Outcome.INCONCLUSIVE:
        return f"{said}."
    return f"{said}, and more runs are needed to tell."


def shown(metric: str, value: float) -> str:
    """Return a value as people read it: rates in percent, times in seconds."""
    return f"{value * 100:.1f} %" if is_rate(metric) else f"{value / 1000:.1f} s"


def _gate(checks: Sequence[Check], used: Sequence[Threshold], leniency: Leniency) -> GateOfBaseline:
    return GateOfBaseline(
        evaluated=bool(checks),
        passed=outcome_of(checks, leniency) is Outcome.PASS,
        violations=tuple(check.name for check in violations(checks, leniency)),
        thresholds=tuple(
            UsedThreshold(metric=each.metric, limit=each.limit, source=each.source, mode=each.mode)
            for each in used
            if each.limit is not None
        ),
    )


def _rate(value: Measured) -> RateValue:
    return RateValue(
        value=value.value or 0.0, low=value.low or 0.0, high=value.high or 0.0, samples=value.samples
    )


def _observed(value: Measured) -> Observed:
    return Observed(value=value.value, low=value.low, high=value.high, samples=value.samples)


def _percentiles(found: measured.Baseline, group: str) -> Percentiles:
    values = getattr(found, group)
    return Percentiles(p50=_observed(values[50]), p95=_observed(values[95]), p99=_observed(values[99]))


def section(report: Report, data: BaselineData) -> str:
    """Return the Markdown section: number of runs, rates, times, and broken limits."""
    rates = [(name, getattr(data.rates, to_snake(name))) for name in (*_PARTS_OF_ONE, "degradedRate")]
    time = f"from {minute(data.window.start)} to {minute(data.window.end)}"
    lines = [
        f"### Baseline of {text(report.subject.env)}: {report.outcome}\n",
        f"{counted(data.sample_size, 'run')} {time}.{_excluded(data)}\n",
        "| Metric | Value | Lower bound | Upper bound | Limit |",
        "| --- | --- | --- | --- | --- |",
        *(_row(name, value.value, value.low, value.high, report) for name, value in rates),
        *(
            _row(f"{group}.{percent}", each.value, each.low, each.high, report)
            for group, found in (("latencyMs", data.latency_ms), ("queueMs", data.queue_ms))
            for percent, each in (("p50", found.p50), ("p95", found.p95), ("p99", found.p99))
        ),
    ]
    said = [f"- {text(warning.sentence)}" for warning in report.warnings]
    return "\n".join([*lines, *([""] if said else []), *said, ""])


def _row(name: str, value: float | None, low: float | None, high: float | None, report: Report) -> str:
    check = next((each for each in report.checks if each.name == name), None)
    values = ["" if each is None else shown(name, each) for each in (value, low, high)]
    limit = "" if check is None or check.limit is None else f"{shown(name, check.limit)} ({check.outcome})"
    return f"| {name} | {' | '.join(values)} | {limit} |"


def _excluded(data: BaselineData) -> str:
    found = [f"{text(reason)} {count}" for reason, count in data.excluded.items() if count]
    return f" Not measured: {', '.join(found)}." if found else ""
