"""The plan comment of a pull request: all its stacks, what is dangerous, what is blocked, what is next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from bot.comments.gates.table import gate_line
from bot.comments.markdown.budget import Part, fit
from bot.comments.markdown.header import header
from bot.comments.markdown.words import Step, command, counted, short, steps, to_do
from bot.comments.pulls.plan_rows import (
    StackView,
    details,
    gravity,
    headline,
    label,
    mark,
    own_steps,
    section,
    status,
    table_row,
)
from bot.comments.runs.failures import failure
from bot.comments.runs.plan import whole_plan
from bot.comments.runs.plan_body import danger
from bot.comments.runs.report import RunView
from bot.domain.core.model import EnvName, PlanStatus, Sha
from bot.domain.gates import GateResult, shut
from bot.domain.plans.plan import Counts

_MOST_NAMED: Final = 3
"""Stacks, or resources to destroy, that are named in a line about several."""
_MOST_DANGERS: Final = 40
"""Stacks whose dangers are listed; the table marks those of the others."""
_MOST_BLOCKS: Final = 30
"""Different answers of shut gates that are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullPlansView:
    """The contents of the plan comment."""

    pull: int
    head: Sha
    """The newest head of the pull request that was planned."""
    stacks: Sequence[StackView]
    """At least one, in the order in which they are shown."""
    ref: str | None = None
    """Identifies the comment after a crash."""


def pull_plans_comment(view: PullPlansView) -> str:
    """Return the comment, at most 60,000 bytes."""
    return fit([*(_one(view, view.stacks[0]) if len(view.stacks) == 1 else _several(view))])


def _header(view: PullPlansView, reason: str | None = None) -> str:
    stacks = [status(each) for each in view.stacks]
    return header("plan", head=view.head, reason=reason, ref=view.ref, stacks=stacks)


def _one(view: PullPlansView, stack: StackView) -> Iterator[Part]:
    reason = None
    if stack.failed is not None:
        reason = failure(RunView(run=stack.failed, run_url=stack.run_url))[0]
    yield Part(text=f"{_header(view, reason)}\n### {mark(stack)} {label(stack)}: {headline(stack)}\n\n")
    yield from details(stack, has_gates=True)
    yield whole_plan(stack.run_url)
    yield Part(text=steps(own_steps(stack)))


def _several(view: PullPlansView) -> Iterator[Part]:
    ranked = sorted(view.stacks, key=gravity)
    yield Part(text=f"{_header(view)}\n{_title(ranked)}\n\nCommit {short(view.head)}\n\n")
    yield from _table(view.stacks)
    yield Part(text=_caution(ranked))
    yield Part(text=_blocked(view.stacks))
    for stack in ranked:
        yield from section(stack)
    yield Part(text="The whole plans are on the pages of their runs.", is_note=True)
    yield Part(text=steps(_steps(view.stacks)))


def _title(ranked: Sequence[StackView]) -> str:
    """Return the heading: how many stacks, and the sum of what would change."""
    plans = [each.plan for each in ranked if each.plan is not None and each.failed is None]
    open_plans = [plan for plan in plans if plan.status is PlanStatus.PLANNED]
    total = Counts(
        add=sum(plan.summary.counts.add for plan in open_plans),
        change=sum(plan.summary.counts.change for plan in open_plans),
        destroy=sum(plan.summary.counts.destroy for plan in open_plans),
        replace=sum(plan.summary.counts.replace for plan in open_plans),
        import_=sum(plan.summary.counts.import_ for plan in open_plans),
        move=sum(plan.summary.counts.move for plan in open_plans),
        forget=sum(plan.summary.counts.forget for plan in open_plans),
    )
    failed = sum(each.failed is not None for each in ranked)
    said = [
        *([f"{failed} failed"] if failed else []),
        *([to_do(total, sum(len(plan.summary.outputs) for plan in open_plans))] if open_plans else []),
    ]
    what = ", ".join(said) or "nothing to apply"
    return f"### {mark(ranked[0])} {counted(len(ranked), 'stack')}: {what}"


def _table(stacks: Sequence[StackView]) -> Iterator[Part]:
    plans = [each.plan for each in stacks if each.plan is not None]
    # A column that says the same of every stack is not drawn.
    has_risk = len({plan.summary.risk.level for plan in plans}) > 1
    titles = ["Stack", "Changes", *(["Risk"] if has_risk else []), "State"]
    yield Part(text=f"| {' | '.join(titles)} |\n|{' --- |' * len(titles)}\n")
    for each in stacks:
        yield table_row(each, has_risk=has_risk)
    yield Part(text="\n")


def _caution(ranked: Sequence[StackView]) -> str:
    """Return the box on everything that would be destroyed and every failed check."""
    found = [
        (each, lines)
        for each in ranked
        if each.plan is not None
        and each.plan.status in {PlanStatus.PLANNED, PlanStatus.APPLYING}
        and (lines := danger(each.plan.summary, most=_MOST_NAMED))
    ]
    if not found:
        return ""
    boxed = ["> [!CAUTION]"]
    for each, lines in found[:_MOST_DANGERS]:
        boxed += [f"> **{label(each)}**", ">", *lines, ">"]
    more = len(found) - _MOST_DANGERS
    boxed += [f"> And {more} more stacks, marked in the table."] if more > 0 else []
    return "\n".join(boxed).removesuffix("\n>") + "\n\n"


def _blocked(stacks: Sequence[StackView]) -> str:
    """Return the shut gates of all stacks, each different answer once."""
    where: dict[GateResult, list[StackView]] = {}
    for each in stacks:
        for gate in shut(each.gates):
            where.setdefault(gate, []).append(each)
    if not where:
        return ""
    lines = [f"- {gate_line(gate, where=f' ({_named(found)})')}\n" for gate, found in where.items()]
    more = len(lines) - _MOST_BLOCKS
    rest = f"- and {more} more, in the sections below and on the pages of the runs\n" if more > 0 else ""
    return "**Blocked**\n\n" + "".join(lines[:_MOST_BLOCKS]) + rest + "\n"


def _named(stacks: Sequence[StackView]) -> str:
    more = len(stacks) - _MOST_NAMED
    names = ", ".join(label(each) for each in stacks[:_MOST_NAMED])
    return f"{names} and {more} more" if more > 0 else names


def _steps(stacks: Sequence[StackView]) -> Iterator[Step]:
    """Yield a command per environment, then the one that plans everything again."""
    by_env: Mapping[EnvName, list[StackView]] = {
        env: [*found] for env, found in groupby(stacks, key=lambda each: each.stack.env)
    }
    for env, found in by_env.items():
        ready, blocked = (
            [each for each in found if each.is_ready],
            [each for each in found if each.is_blocked],
        )
        if ready or blocked:
            gates = "Once the gates above are open, to" if blocked else "To"
            yield Step(sentence=f"{gates} apply {env}", command=_apply(env, [*ready, *blocked], found))
    yield Step(sentence="To re-plan", command="/plan")


def _apply(env: EnvName, applied: Sequence[StackView], found: Sequence[StackView]) -> str:
    return command("apply", applied[0].stack) if len(found) == 1 else f"/apply {env}"
