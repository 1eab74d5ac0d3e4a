from __future__ import annotations

from typing import Any

from bot.comments.pulls.plans import PullPlansView, StackView, pull_plans_comment
from bot.domain.core.model import PlanStatus, ProjectName, RunKind, RunStatus
from bot.domain.core.refusals import Reason
from bot.domain.gates import GateResult, Outcome
from tests.fakes.records import builders
from tests.fakes.records.builders import HEAD
from tests.unit.comments.samples import RUN_URL, planned, run

PASSED = tuple(
    GateResult(gate=name, outcome=Outcome.PASS, sentence=f"{name} is fine.")
    for name in ("config", "head", "plan_fresh", "state", "engine", "undiverged", "checks", "permission")
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


def show(*stacks: StackView) -> str:
    return pull_plans_comment(
        PullPlansView(pull=7, head=HEAD, stacks=stacks, page_url="https://gatewright.example/pulls/7")
    )


def stack_view(plan: Any, **changes: Any) -> StackView:
    return StackView(stack=plan.stack, plan=plan, run_url=RUN_URL, **changes)


def test_one_stack_has_title_boxes_gates_and_commands() -> None:
    # Given
    plan = planned("aws", stack=builders.stack("prod"))

    # When
    body = show(stack_view(plan, gates=GATES))

    # Then
    assert "\n### 🟥 prod: 2 to destroy, 1 to replace, 2 to change, 1 to add\n" in body
    assert "**Blocked by 2 of 10 gates**\n\n- ⏳ **codeowners**" in body
    assert body.endswith("```\n/apply prod\n```\n\nTo re-plan, comment:\n\n```\n/plan prod\n```\n")


def test_several_stacks_have_a_row_each() -> None:
    # Given
    prod, test = builders.stack("prod"), builders.stack("test")
    web = builders.stack("staging", project=ProjectName("web"))
    failed = run(kind=RunKind.PLAN, status=RunStatus.FAILED, plan_id=None, stack=web, summary="No route.")

    # When
    body = show(
        stack_view(planned("aws", stack=prod), gates=GATES),
        StackView(stack=web, failed=failed, run_url=RUN_URL),
        stack_view(builders.plan(stack=test, status=PlanStatus.APPLIED)),
    )

    # Then
    assert "### 🟥 3 stacks: 2 to destroy, 1 to replace, 2 to change, 1 to add, 1 failed, 1 applied\n" in body
    assert "❌ blocked by 2 gates: codeowners, promoted |" in body
    assert f"| staging (web) |  |  | ❌ plan failed ([log](<{RUN_URL}>)) |" in body
    assert "| test | 🟩 1 to add |  | ✅ applied |" in body
