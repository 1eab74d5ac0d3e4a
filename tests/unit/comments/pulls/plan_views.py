"""Stacks of a pull request as its plan comment gets them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.comments.pulls.plans import PullPlansView, StackView, pull_plans_comment
from bot.domain.core.model import ProjectName, RunKind, RunStatus, Stack
from bot.domain.core.refusals import Reason
from bot.domain.gates import GateResult, Outcome
from bot.domain.plans.plan import Action, Counts, PlanRecord, PlanSummary, ResourceChange, Risk, RiskLevel
from tests.fakes.records import builders
from tests.fakes.records.builders import HEAD
from tests.unit.comments.samples import RUN_URL, run

PAGE_URL = "https://gatewright.example/pulls/7"
PASSED = tuple(
    GateResult(gate=name, outcome=Outcome.PASS, sentence=f"{name} is fine.")
    for name in (
        "config",
        "head",
        "plan_fresh",
        "state",
        "engine",
        "undiverged",
        "checks",
        "permission",
        "lock",
        "hold",
        "drift",
    )
)
OWNERS = GateResult(
    gate="codeowners",
    outcome=Outcome.FAIL,
    sentence="Needs a code owner's approval: @owner (terraform/).",
    reason=Reason.CODEOWNERS,
    opens_with="approval from @owner",
)
PROMOTED = GateResult(
    gate="promoted",
    outcome=Outcome.FAIL,
    sentence="This release was not applied to staging.",
    reason=Reason.PROMOTED,
    opens_with="/apply staging",
)
GATES = (*PASSED, OWNERS, PROMOTED)
NOTHING = builders.summary(counts=Counts(), has_changes=False, risk=Risk(level=RiskLevel.NONE, score=0))


def show(*stacks: StackView) -> str:
    """Return the comment on these stacks."""
    return pull_plans_comment(PullPlansView(pull=7, head=HEAD, stacks=stacks, page_url=PAGE_URL))


def view_of(plan: PlanRecord, **changes: Any) -> StackView:
    """Return the stack of a plan."""
    return StackView(stack=plan.stack, plan=plan, run_url=RUN_URL, **changes)


def stack_of(env: str, project: str = "default") -> Stack:
    return builders.stack(env, project=ProjectName(project))


def adding(env: str, project: str = "default", **changes: Any) -> StackView:
    """Return a stack to which one resource is added."""
    view = {name: changes.pop(name) for name in ("status", "summary", "status_reason") if name in changes}
    return view_of(builders.plan(stack=stack_of(env, project), **view), **changes)


def failing(env: str, project: str = "default", **changes: Any) -> StackView:
    """Return a stack whose plan failed."""
    made = run(kind=RunKind.PLAN, status=RunStatus.FAILED, plan_id=None, stack=stack_of(env, project))
    return StackView(stack=made.stack, failed=replace(made, **changes), run_url=RUN_URL)


def destroying(number: int, *, diff: str = "") -> PlanSummary:
    """Return the summary of a plan that destroys something with data and adds some others."""
    gone = f"aws_db_instance.main[{number}]"
    rows = [
        ResourceChange(
            address=gone, type="aws_db_instance", action=Action.DESTROY, risk=RiskLevel.HIGH, diff=diff
        ),
        *(
            ResourceChange(address=f"aws_thing.{name}", type="aws_thing", action=Action.ADD, diff=diff)
            for name in "abcdefgh"
        ),
    ]
    risk = Risk(
        level=RiskLevel.HIGH, score=90, destroys=(gone,), stateful=(gone,), reasons=("It destroys data.",)
    )
    return builders.summary(
        counts=Counts(add=8, destroy=1), resources=tuple(rows), risk=risk, warnings=("A warning.",)
    )
