"""What a command's spec asks is checked before its handler runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from bot.context import Bot, Request
from bot.domain.commands.parser import Command, CommandSpec, Parameter, ParameterKind, Right, StackChoice
from bot.domain.commands.spec import Lifetime
from bot.domain.core.accounts import Account
from bot.domain.core.model import EnvName, Permission, PlanId, PullRequest, Repo, Stack
from bot.domain.core.refusals import Reason, Refusal
from bot.domain.plans.plan import PlanRecord
from bot.policy import load_policy
from bot.services.access.capacities import Standing
from bot.services.runs.requests import Trigger
from bot.services.stacks.policies import LoadedPolicy
from handlers.preconditions import prepare
from tests.fakes.accounts import account
from tests.fakes.records import builders

POLICY = """
version: 1
terraform: {version: "1.11.4"}
projects: [{name: app, dir: app}, {name: net, dir: net}]
environments:
  dev: {trigger: local, state_key: "dev/{project}.tfstate"}
  test: {lifecycle: pull_request, state_key: "test/{project}.tfstate"}
  staging: {state_key: "staging/{project}.tfstate"}
"""
ENV = Parameter(kind=ParameterKind.ENV, required=False, repeated=True)
FORK = builders.pull(is_fork=True)


def spec(**changes: Any) -> CommandSpec:
    made = CommandSpec(name="check", usage="/check [ENV…]", summary="", who="", parameters=(ENV,))
    return replace(made, stacks=StackChoice.EVERY, **changes)


def command(*envs: str, **more: Any) -> Command:
    return Command(name="check", line="/check", envs=tuple(EnvName(env) for env in envs), **more)


@dataclass
class World:
    """A bot of which only rights and ownership are asked."""

    plan: PlanRecord | None = None
    standing: frozenset[Standing] = frozenset()
    may_apply: bool = False
    foreign: Refusal | None = None
    asked: list[tuple[Stack, ...]] = field(default_factory=list)

    async def refused(self, spec: CommandSpec, command: Command, **changes: Any) -> Reason | None:
        prepared = await self.prepare(spec, command, **changes)
        return prepared.reason if isinstance(prepared, Refusal) else None

    async def prepare(
        self,
        spec: CommandSpec,
        command: Command,
        *,
        pull: PullRequest | None = None,
        permission: Permission = Permission.WRITE,
    ) -> Request | Refusal:
        policy = load_policy(POLICY, path="gatewright.yaml")
        asked = Trigger(
            repo=Repo(owner="acme", name="infra", installation_id=1, default_branch="main"),
            pull=pull or builders.pull(),
            actor=account("dev"),
            comment_id=5,
            asked_at=builders.NOON,
            correlation_id="guid",
        )
        loaded = LoadedPolicy(policy=policy, commit=builders.BASE)
        request = Request(trigger=asked, loaded=loaded, permission=permission, line=command.line)
        return await prepare(spec, command, request, _bot(self))


def _bot(world: World) -> Bot:
    class Answers:
        @asynccontextmanager
        async def read(self) -> AsyncIterator[Answers]:
            yield self

        async def is_allowed(self, *_: object) -> bool:
            return False

        async def plan(self, _: object) -> PlanRecord | None:
            return world.plan

        async def refusal(self, _: object) -> Refusal | None:
            return world.foreign

        async def may_apply(self, *_: object, **__: object) -> bool:
            return world.may_apply

        async def standing(
            self, _: object, __: object, stacks: tuple[Stack, ...], ___: Account
        ) -> frozenset[Standing]:
            world.asked.append(stacks)
            return world.standing

    class Fake:
        records = owners = access = people = Answers()

    return cast("Bot", Fake())


async def test_a_forks_commit_needs_to_be_allowed_to_run() -> None:
    world = World()

    assert await world.refused(spec(), command(), pull=FORK) is Reason.FORK
    assert await world.refused(spec(runs_pull_code=False), command(), pull=FORK) is None


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        pytest.param(builders.plan(reverts_to=PlanId("p1111111")), None, id="a revert runs its release"),
        pytest.param(builders.plan(), Reason.FORK, id="a plan of the head"),
        pytest.param(builders.plan(reverts_to=PlanId("p1111111"), pull=8), Reason.FORK, id="of another"),
        pytest.param(None, Reason.FORK, id="an unknown plan"),
    ],
)
async def test_on_a_fork_only_a_named_revert_runs(plan: PlanRecord | None, reason: Reason | None) -> None:
    world = World(plan=plan)

    assert await world.refused(spec(), command("staging", plan=PlanId("pabcdefg")), pull=FORK) is reason


async def test_a_state_of_others_is_neither_read_nor_changed() -> None:
    world = World(foreign=Refusal(reason=Reason.STATE_OWNER, sentence="It is of another repository."))

    assert await world.refused(spec(), command("staging")) is Reason.STATE_OWNER
    assert await world.refused(spec(touches_state=False), command("staging")) is None


async def test_the_permission_of_the_spec_is_asked() -> None:
    world, maintain = World(), spec(permission=Permission.MAINTAIN)

    assert await world.refused(maintain, command()) is Reason.PERMISSION
    assert await world.refused(maintain, command(), permission=Permission.ADMIN) is None


async def test_a_closed_pull_request_is_refused_where_specified() -> None:
    world, closed = World(), builders.pull(state="closed")

    assert await world.refused(spec(needs_open_pull=True), command(), pull=closed) is Reason.PULL_CLOSED
    assert await world.refused(spec(), command(), pull=closed) is None


@pytest.mark.parametrize(
    ("right", "world", "reason"),
    [
        (Right.APPLY, World(may_apply=True), None),
        (Right.APPLY, World(standing=frozenset(Standing)), Reason.PERMISSION),
        (Right.OWN, World(standing=frozenset({Standing.OWNER})), None),
        (Right.OWN, World(standing=frozenset({Standing.ONCALL})), Reason.PERMISSION),
        (Right.STOP, World(standing=frozenset({Standing.ONCALL})), None),
        (Right.STOP, World(may_apply=True), Reason.PERMISSION),
    ],
)
async def test_the_right_of_the_spec_is_asked(right: Right, world: World, reason: Reason | None) -> None:
    assert await world.refused(spec(right=right), command("staging")) is reason


async def test_a_named_project_does_not_lower_the_right() -> None:
    world = World(standing=frozenset({Standing.OWNER}))

    await world.prepare(spec(right=Right.OWN), command("staging", project="app"))

    [stacks] = world.asked
    assert [stack.project for stack in stacks] == ["app", "net"]


@pytest.mark.parametrize(
    ("changes", "given", "chosen"),
    [
        ({}, command(), ["test/app", "test/net", "staging/app", "staging/net"]),
        ({}, command("staging"), ["staging/app", "staging/net"]),
        ({}, command("staging", project="net"), ["staging/net"]),
        ({"lifetime": Lifetime.PERMANENT}, command(), ["staging/app", "staging/net"]),
        ({"lifetime": Lifetime.TEMPORARY}, command(), ["test/app", "test/net"]),
        ({"stacks": StackChoice.ONE}, command("staging", project="app"), ["staging/app"]),
        (
            {"stacks": StackChoice.ENVIRONMENTS},
            command("staging", project="app"),
            ["staging/app", "staging/net"],
        ),
        ({"stacks": StackChoice.NONE}, command("nowhere"), []),
    ],
)
async def test_a_handler_gets_the_stacks_of_its_spec(
    changes: dict[str, Any], given: Command, chosen: list[str]
) -> None:
    prepared = await World().prepare(replace(spec(), **changes), given)

    assert isinstance(prepared, Request)
    assert [f"{stack.env}/{stack.project}" for stack in prepared.stacks] == chosen


@pytest.mark.parametrize(
    ("changes", "given", "reason"),
    [
        pytest.param({}, command("nowhere"), Reason.ENVIRONMENT, id="an unknown environment"),
        pytest.param({}, command("dev"), Reason.ENVIRONMENT, id="an environment of developers"),
        pytest.param({}, command("staging", project="web"), Reason.PROJECT, id="an unknown project"),
        pytest.param(
            {"lifetime": Lifetime.PERMANENT}, command("test"), Reason.ENVIRONMENT, id="a temporary one"
        ),
        pytest.param(
            {"lifetime": Lifetime.TEMPORARY}, command("staging"), Reason.ENVIRONMENT, id="a permanent one"
        ),
        pytest.param(
            {"stacks": StackChoice.ONE}, command("staging"), Reason.PROJECT, id="one of two projects"
        ),
    ],
)
async def test_stacks_that_cannot_be_meant_are_refused(
    changes: dict[str, Any], given: Command, reason: Reason
) -> None:
    assert await World().refused(replace(spec(), **changes), given) is reason
