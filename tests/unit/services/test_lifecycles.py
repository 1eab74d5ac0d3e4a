"""What is done automatically where an environment has a lifecycle is not done once it has none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import fields
from typing import Any, cast

import pytest

from bot.domain.core.errors import LifecycleChangedError
from bot.domain.core.model import RunId, RunKind
from bot.policy import RepoPolicy, load_policy
from bot.services.gates.judging import Judging
from bot.services.stacks.lifecycles import refuse_automatic_apply, refuse_to_destroy
from bot.services.stacks.policies import LoadedPolicy
from tests.fakes.records import builders

_TEXT = """
version: 1
terraform: {{version: "1.11.4"}}
environments:
  test: {{state_key: test/terraform.tfstate, {}}}
"""
LASTING = load_policy(_TEXT.format("apply: {allow: write}"))
PASSING = load_policy(_TEXT.format("lifecycle: pull_request"))
PLAN = builders.plan(stack=builders.stack("test"), run_id=RunId("rplanned"))
APPLY = builders.run(stack=PLAN.stack, id=RunId("rapplied"), correlation_id="push")


class Adapters:
    """A repository whose policy this is, and a plan that a push has made."""

    def __init__(self, policy: RepoPolicy) -> None:
        self.policy = policy

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Adapters]:
        yield self

    async def run(self, _: RunId) -> Any:
        return builders.run(id=PLAN.run_id, kind=RunKind.PLAN, correlation_id="push")

    async def plan(self, _: object) -> Any:
        return PLAN

    async def repository(self, _: str) -> None:
        return None

    async def subject(self, *_: object) -> tuple[None, None]:
        return None, None

    async def load(self, _: object) -> LoadedPolicy:
        return LoadedPolicy(policy=self.policy, commit=builders.BASE)


@pytest.mark.parametrize(
    ("changes", "policy", "refused"),
    [
        pytest.param({}, LASTING, True, id="of itself, in one that stays"),
        pytest.param({}, PASSING, False, id="of itself, in one with a lifecycle"),
        pytest.param({"comment_id": 5}, LASTING, False, id="by a comment"),
        pytest.param({"correlation_id": "press"}, LASTING, False, id="by a button"),
        pytest.param({"kind": RunKind.SYNC}, LASTING, False, id="after a merge"),
        pytest.param({"kind": RunKind.REVERT}, LASTING, False, id="of a way back"),
    ],
)
async def test_nothing_is_applied_automatically_where_an_environment_stays(
    changes: dict[str, Any], policy: RepoPolicy, *, refused: bool
) -> None:
    run = builders.run(**{"stack": PLAN.stack, "correlation_id": "push", **changes})

    expected = pytest.raises(LifecycleChangedError, match=f"`/apply test {PLAN.id}`")
    with expected if refused else nullcontext():
        await refuse_automatic_apply(cast("Any", Adapters(policy)), run, PLAN, policy)


async def test_an_apply_is_refused_before_any_gate_is_asked() -> None:
    given = dict.fromkeys((each.name for each in fields(Judging)), cast("Any", Adapters(LASTING)))

    with pytest.raises(LifecycleChangedError, match="nothing is applied there automatically"):
        await Judging(**given).before_apply(APPLY)


def test_what_has_come_to_stay_is_not_destroyed() -> None:
    with pytest.raises(LifecycleChangedError, match=r"`/unlock test`"):
        refuse_to_destroy(LASTING, PLAN.stack)
