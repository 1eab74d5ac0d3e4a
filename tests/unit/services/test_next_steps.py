"""What is offered under a plan, and under an apply that went well."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.core.model import PlanId, PlanStatus, RunKind, RunStatus, Sha
from bot.policy import load_policy
from bot.ports.records.outlines import PlanOutline
from bot.services.reporting.next_steps import after_apply, after_plan
from tests.fakes.records import builders
from tests.unit.comments.samples import run

POLICY = """
version: 1
terraform: {version: "1.11.4"}
environments:
  staging: {apply: {allow: write}}
  prod: {apply: {allow: write, from: staging}}
  ci: {}
  test: {lifecycle: pull_request, apply: {allow: write}}
"""


def outline(env: str, **changes: Any) -> PlanOutline:
    known = {
        "id": PlanId("pabcdefg"),
        "pull": 7,
        "head_sha": builders.HEAD,
        "status": PlanStatus.PLANNED,
        "status_reason": None,
        "posted_at": builders.NOON,
        "expires_at": builders.NOON,
    }
    return PlanOutline(stack=builders.stack(env), **{**known, **changes})


def of_prod(**changes: Any) -> PlanOutline:
    return outline("prod", **changes)


def test_way_on_to_prod_is_offered_where_prod_is_planned() -> None:
    policy = load_policy(POLICY, path="gatewright.yaml")

    [step] = after_apply(run(), policy, [outline("staging"), of_prod()])

    assert (step.sentence, step.command) == ("To see what opens prod now", "/gates prod")


@pytest.mark.parametrize(
    ("changes", "plans"),
    [
        pytest.param({}, [outline("staging")], id="prod is not touched"),
        pytest.param({}, [of_prod(status=PlanStatus.APPLIED)], id="prod has it already"),
        pytest.param({}, [of_prod(head_sha=Sha("c" * 40))], id="the plan of prod is of another commit"),
        pytest.param({"status": RunStatus.FAILED}, [of_prod()], id="the apply failed"),
        pytest.param({"kind": RunKind.REVERT}, [of_prod()], id="it was a revert"),
        pytest.param({"stack": builders.stack("prod")}, [of_prod()], id="nothing is promoted from there"),
    ],
)
def test_the_way_on_is_not_offered(changes: dict[str, object], plans: list[PlanOutline]) -> None:
    policy = load_policy(POLICY, path="gatewright.yaml")

    assert after_apply(run(**changes), policy, plans) == ()


@pytest.mark.parametrize(
    ("env", "sentence", "command"),
    [
        pytest.param(
            "staging",
            "Blocked: #12 has locked staging. When #12 is merged or unlocked",
            "/plan staging",
            id="permanent",
        ),
        pytest.param(
            "test",
            "Blocked: #12 has locked test. When #12 is merged or closed, the next pull request in the queue is planned"
            " automatically",
            None,
            id="queued for",
        ),
    ],
)
def test_locked_stack_says_who_blocks_it(env: str, sentence: str, command: str | None) -> None:
    # Given
    stack = builders.stack(env)
    held = builders.lock(stack=stack, pull=12)

    # When
    [step] = after_plan(builders.plan(stack=stack), load_policy(POLICY).environment(stack.env), held)

    # Then
    assert (step.sentence, step.command) == (sentence, command)


def test_environment_without_allow_is_plan_only() -> None:
    # Given
    stack = builders.stack("ci")

    # When
    first, again = after_plan(builders.plan(stack=stack), load_policy(POLICY).environment(stack.env), None)

    # Then
    assert first.sentence == "Plan only: `ci` has no `apply.allow`, so nobody can apply it"
    assert (again.sentence, again.command) == ("To re-plan", "/plan ci")
