"""The next commands of the plan comment, and who must act where none would work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from bot.comments.gates.table import is_outstanding
from bot.comments.markdown.words import Step, command, is_command
from bot.comments.pulls.plan_view import StackState, StackView, state_of
from bot.comments.runs.failures import retry_step
from bot.comments.runs.plan_notes import locked_step, pull_link
from bot.domain.gates import shut

_SETTLED: Final = frozenset({StackState.APPLIED, StackState.NO_CHANGES, StackState.NOT_PLANNED})
_RE_PLAN: Final = Step(sentence="To re-plan", command="/plan")
_STATUS: Final = Step(sentence="To see every environment of this pull request", command="/status")
_APPLIES: Final = {
    StackState.READY: "To apply exactly this plan",
    StackState.BLOCKED: "When the gates above are open, to apply exactly this plan",
    StackState.WAITING: "When the gates above are open, to apply exactly this plan",
}
_PLANS: Final = {
    StackState.APPLY_FAILED: "To plan what is left",
    StackState.NO_CHANGES: "Nothing to apply; to re-plan",
}
_MOST_ENVIRONMENTS: Final = 4
_MOST_NAMED: Final = 4


def steps_of_one(view: StackView) -> tuple[Step, ...]:
    """Return the next steps for the only stack."""
    if view.next_steps and view.planning is None and view.failed is None:
        return tuple(view.next_steps)
    if view.planning is not None:
        return (Step(sentence="To stop the plan", command=f"/cancel {view.planning.id}"),)
    if view.applying is not None:
        return (Step(sentence="To stop the apply", command=f"/cancel {view.applying.id}"), _STATUS)
    return _usual_steps(view)


def _usual_steps(view: StackView) -> tuple[Step, ...]:
    state, plan = state_of(view), command("plan", view.stack)
    again = Step(sentence=_PLANS.get(state, "To re-plan"), command=plan)
    if state in _APPLIES:
        return (Step(sentence=_APPLIES[state], command=command("apply", view.stack)), again)
    if state is StackState.LOCKED:
        return (_locked(view, plan),)
    if state is StackState.PLAN_FAILED:
        return (retry_step(view.stack),)
    return (_STATUS if state in {StackState.APPLIED, StackState.APPLYING} else again,)


def steps_of_several(stacks: Sequence[StackView]) -> tuple[Step, ...]:
    """Return the next steps for several stacks: one command per environment, not per project."""
    envs = list(dict.fromkeys(view.stack.env for view in stacks))
    of_env = {env: [view for view in stacks if view.stack.env == env] for env in envs}
    found = [step for views in of_env.values() for step in _of_environment(views)]
    failed = any(state_of(view) is StackState.PLAN_FAILED for view in stacks)
    last = (
        Step(sentence="Push a fix and it is planned automatically; to retry unchanged", command="/plan")
        if failed
        else _RE_PLAN
    )
    # Commands that would work come first.
    ordered = sorted(found, key=lambda step: step.command is None)
    if not ordered and all(state_of(view) in _SETTLED for view in stacks):
        return (_STATUS,)
    return (*ordered[:_MOST_ENVIRONMENTS], last)


def _of_environment(views: Sequence[StackView]) -> Iterator[Step]:
    """Yield the steps of one environment, whose stacks `/apply` applies all or none of."""
    env = views[0].stack.env
    open_ = [view for view in views if state_of(view) not in _SETTLED]
    ready = [view for view in open_ if state_of(view) is StackState.READY]
    if not open_:
        return
    if len(ready) == len(open_):
        what = "the plan" if len(ready) == 1 else f"all {len(ready)} plans"
        yield Step(sentence=f"To apply {what} of `{env}`", command=f"/apply {env}")
        return
    for view in ready[:1]:
        part = "one" if len(ready) > 1 else "the one stack"
        yield Step(
            sentence=f"`/apply {env}` applies all stacks or none; to apply {part} that is ready",
            command=command("apply", view.stack),
        )
    yield from _who_must_act(env, [view for view in open_ if view not in ready])


def _who_must_act(env: str, views: Sequence[StackView]) -> Iterator[Step]:
    states = [state_of(view) for view in views]
    locked = next((view for view in views if state_of(view) is StackState.LOCKED), None)
    gated = [gate for view in views for gate in shut(view.gates)]
    if StackState.APPLYING in states:
        yield Step(sentence=f"`{env}` is being applied")
    elif locked is not None:
        yield _locked(locked, f"/plan {env}")
    elif given := next((view.next_steps for view in views if view.next_steps), None):
        yield Step(sentence=given[0].sentence, command=given[0].command)
    elif gated:
        names = ", ".join(list(dict.fromkeys(gate.gate for gate in gated))[:_MOST_NAMED])
        verb = "is waiting for" if all(map(is_outstanding, gated)) else "is blocked by"
        opens = [said for said in dict.fromkeys(gate.opens_with for gate in gated) if said]
        needs = f"; it needs {_joined(opens[:2])}" if opens else ""
        yield Step(sentence=f"`{env}` {verb} {names}{needs}")


def _joined(opens: Sequence[str]) -> str:
    return ", and ".join(f"`{said}`" if is_command(said) else said for said in opens)


def _locked(view: StackView, plan: str) -> Step:
    lock = view.locked_by
    return locked_step(
        view.stack.label,
        "" if lock is None else pull_link(lock, view.stack),
        plan,
        is_tenanted=view.is_tenanted,
    )
