"""`/parity` and the check run `gatewright/parity`: differences between twins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.comments.checks.checks import CheckText, Conclusion
from bot.comments.markdown.budget import Drop, Part, fit
from bot.comments.markdown.escape import code, one_line, prose, text
from bot.comments.markdown.header import header
from bot.comments.markdown.words import Step, command, counted, minute, short, steps
from bot.domain.core.model import Sha
from bot.domain.environments.parity import Allowance, Difference, Side, Topic, Twins, Verdict, overall
from bot.domain.plans.fetched import is_current

_MARKS = {Verdict.SAME: "✅", Verdict.DIFFERS: "❌", Verdict.NOT_COMPARABLE: "⚪"}
_CONCLUSIONS = {
    Verdict.SAME: Conclusion.SUCCESS,
    Verdict.DIFFERS: Conclusion.FAILURE,
    Verdict.NOT_COMPARABLE: Conclusion.NEUTRAL,
}
_SHOWN_VALUE = 120
_MOST_NAMED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityView:
    """The results of all comparisons."""

    twins: Sequence[Twins]
    unused: Sequence[Allowance]
    commit: Sha
    """Of the compared code."""


def parity_comment(view: ParityView, *, env: str | None = None, reference: str | None = None) -> str:
    """Return the answer to `/parity`."""
    verdict = overall(view.twins)
    first = header("parity", env=env, head=view.commit, status=str(verdict), ref=reference)
    return fit(
        [
            Part(text=f"{first}\n### {_MARKS[verdict]} Twins: {_title(view)}\n\n"),
            *_body(view),
            Part(text=steps(_next(view))),
        ]
    )


def parity_check(view: ParityView) -> CheckText:
    """Return the check run: red if there is a difference that no allowance matches."""
    verdict = overall(view.twins)
    return CheckText(
        conclusion=_CONCLUSIONS[verdict], title=one_line(_title(view), 200), summary=fit([*_body(view)])
    )


def _title(view: ParityView) -> str:
    """Name the twins that differ, or all if there are few; of many equal ones, give the number."""
    differing = [twins for twins in view.twins if twins.verdict is Verdict.DIFFERS]
    named = differing or (view.twins if len(view.twins) == 1 else [])
    said = [f"{twins.label}: {_said([twins])}" for twins in named[:_MOST_NAMED]]
    more = len(named) - _MOST_NAMED
    return "; ".join([*said, *([f"{more} more"] if more > 0 else [])]) or _said(view.twins)


def _said(found: Sequence[Twins]) -> str:
    unmeant = sum(len(twins.unmeant) for twins in found)
    if unmeant:
        return counted(unmeant, "difference")
    if any(twins.unknown for twins in found):
        return "no difference, as far as they can be compared"
    if any(twins.differences for twins in found):
        return "no difference, but for what is allowed"
    return "no difference" if found else "nothing to compare"


def _body(view: ParityView) -> Iterator[Part]:
    for twins in view.twins:
        yield from _table(twins)
    for each in view.unused:
        names = ", ".join(sorted(each.environments))
        line = (
            f"- {code(each.difference)} between {text(names, limit=200)} is allowed ({prose(each.reason, limit=200)}),"
            " and nothing of it differs: take it out of `gatewright.yaml`.\n"
        )
        yield Part(text=line, drop=Drop.WARNING, group="unused")
    yield Part(text="\n", frame_of="unused")
    yield Part(text="", is_note=True)


def _table(twins: Twins) -> Iterator[Part]:
    one, other = twins.sides
    yield Part(text=f"#### {_MARKS[twins.verdict]} {text(twins.label, limit=200)}\n\n")
    yield Part(text=f"- {_origin(one)}\n- {_origin(other)}\n{_code_line(one, other)}\n")
    yield Part(
        text=f"| What | {text(one.stack.env)} | {text(other.stack.env)} | |\n| --- | --- | --- | --- |\n"
    )
    for topic in Topic:
        if topic in twins.unknown:
            why = prose(twins.unknown[topic], limit=400)
            yield Part(text=f"| {topic} | | | ⚪ not comparable: {why} |\n", drop=Drop.ROW)
            continue
        found = [each for each in twins.differences if each.topic is topic]
        yield Part(text=_topic_row(topic, one, other, found), drop=Drop.ROW)
        for each in found:
            yield Part(text=_difference_row(each), drop=Drop.ROW)
    yield Part(text="\n")


def _topic_row(topic: Topic, one: Side, other: Side, found: Sequence[Difference]) -> str:
    cells = [_summary(topic, side) for side in (one, other)]
    unmeant = sum(each.allowed is None for each in found)
    state = (
        f"❌ {unmeant} differ"
        if unmeant > 1
        else "❌ differs"
        if unmeant
        else "☑️ allowed"
        if found
        else "✅ same"
    )
    return f"| {topic} | {' | '.join(cells)} | {state} |\n"


def _summary(topic: Topic, side: Side) -> str:
    facts = side.facts.get(topic, {})
    if topic is Topic.ENGINE:
        return code(facts.get("engine", "unknown"), limit=60)
    if topic is Topic.RESOURCES:
        return f"{sum(int(count) for count in facts.values())} of {counted(len(facts), 'type')}"
    return str(len(facts))


def _difference_row(each: Difference) -> str:
    values = " | ".join(code(value, limit=_SHOWN_VALUE) for value in each.values)
    state = "❌ differs" if each.allowed is None else f"☑️ allowed: {prose(each.allowed, limit=200)}"
    return f"| {code(each.name, limit=_SHOWN_VALUE)} | {values} | {state} |\n"


def _origin(side: Side) -> str:
    name = text(side.stack.env)
    if side.is_local:
        return (
            f"{name}: on developers' machines, so it is compared as the code at {short(side.commit)} has it"
        )
    if side.applied_at is None:
        state = "" if side.serial is None else f"; its state is at serial {side.serial}"
        why = "never applied" if side.never_applied else "no release of it is known"
        return f"{name}: {why}, so it is compared as the code at {short(side.commit)} has it{state}"
    serial = "no state is there" if side.serial is None else f"its state is at serial {side.serial}"
    return f"{name}: commit {short(side.commit)}, in place since {minute(side.applied_at)}; {serial}"


def _code_line(one: Side, other: Side) -> str:
    if one.inputs_digest is None or other.inputs_digest is None:
        return ""
    if one.inputs_digest == other.inputs_digest:
        return _fetched_line(one, other)
    return "\nThey have different releases: what one has and the other will get is a difference until then.\n"


def _fetched_line(one: Side, other: Side) -> str:
    unknown = [side for side in (one, other) if not is_current(side.fetched_digest)]
    if unknown:
        again = code(command("plan", unknown[0].stack), limit=150)
        return f"\nBoth have the same code. Whether with the same modules and providers is known after {again}.\n"
    if one.fetched_digest == other.fetched_digest:
        return "\nBoth have the same release.\n"
    return "\nBoth have the same code, with other modules or providers that were fetched: they have different releases.\n"


def _next(view: ParityView) -> Iterator[Step]:
    if any(twins.unmeant for twins in view.twins):
        yield Step(
            sentence="A difference that is meant is allowed by name, with its reason, under `parity.allowed` in"
            " `gatewright.yaml`."
        )
    yield Step(sentence="To compare again", command="/parity")
