"""When data is copied, and what keeps it from being copied."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from bot.domain.core.errors import StoreError
from bot.domain.core.model import FailureClass, Repo, Run, RunId, RunKind, RunStatus, Sha, Stack, StateKey
from bot.domain.gates.freezes import Hold, HoldCause
from bot.policy import load_policy
from bot.ports import Clock, Job, NewRun, Reader, Records
from bot.services.data_refresh.runs import Refreshing
from bot.services.data_refresh.turns import PUT_OFF, RefreshTurns
from bot.services.stacks.data_copies import copying
from bot.services.stacks.policies import LoadedPolicy
from bot.services.stacks.states import States
from tests.fakes.records import builders
from tests.fakes.records.builders import NOON

REPO = Repo(owner="acme", name="infra", installation_id=1)
POLICY = load_policy("""
version: 1
terraform: {version: "1.11.4"}
projects: [{name: net, dir: net}, {name: app, dir: app}]
environments:
  staging: {data_refresh: {from: prod, command: [./copy], project: app, every: 1d}}
  prod: {}
""")
LOADED = LoadedPolicy(policy=POLICY, commit=Sha("a" * 40))
STACK = POLICY.stack("acme/infra", "staging", "app")
ELSEWHERE = POLICY.stack("acme/infra", "staging", "net")


@dataclass
class World:
    """Records with a few runs and holds, a state that may be locked, and a clock."""

    runs_there: list[Run] = field(default_factory=list)
    holds_there: list[Hold] = field(default_factory=list)
    locked_by: str | None = None
    at: datetime = NOON
    queued: list[Job] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    ended: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def records(self) -> World:
        return self

    @property
    def clock(self) -> World:
        return self

    def now(self) -> datetime:
        return self.at

    async def claim(self, *_: Any) -> None:
        """Own every state."""

    @asynccontextmanager
    async def read(self) -> AsyncIterator[World]:
        yield self

    write = read

    async def runs(
        self,
        *,
        kinds: Sequence[RunKind],
        statuses: Sequence[RunStatus] = (),
        state_key: StateKey | None = None,
        **_: Any,
    ) -> list[Run]:
        return [
            run
            for run in self.runs_there
            if run.kind in kinds
            and (not statuses or run.status in statuses)
            and state_key in {None, run.stack.state_key}
        ]

    async def run(self, _: RunId) -> Run:
        return self.runs_there[0]

    async def move_run(self, *_: Any, **__: Any) -> bool:
        return True

    async def holds(self, **_: Any) -> list[Hold]:
        return self.holds_there

    async def lock_holder(self, _: StateKey) -> str | None:
        return self.locked_by

    async def add_run(self, new: NewRun, at: datetime) -> Run | None:
        known = new.dedupe_key in self.keys
        self.keys.add(new.dedupe_key)
        return None if known else refresh(RunStatus.QUEUED, id=new.id, created_at=at)

    async def enqueue(self, job: Job) -> None:
        self.queued.append(job)

    async def end(self, *args: Any, **_: Any) -> None:
        self.ended.append(args[1:])

    def turns(self) -> RefreshTurns:
        return RefreshTurns(
            records=cast("Records", self), states=cast("States", self), clock=cast("Clock", self)
        )

    async def look(self) -> int:
        """Look twice, as two workers do; returns how many runs are queued in all."""
        for _ in range(2):
            await self.turns().queue_due(REPO, LOADED)
        return len(self.queued)


def refresh(status: RunStatus, **changes: Any) -> Run:
    return builders.run(
        kind=RunKind.DATA_REFRESH, status=status, stack=STACK, pull=None, **{"intent_at": None, **changes}
    )


def change(kind: RunKind, *, stack: Any = ELSEWHERE) -> Run:
    return builders.run(kind=kind, status=RunStatus.RUNNING, stack=stack)


@pytest.mark.parametrize(
    ("runs", "hours", "queued"),
    [
        pytest.param([], 0, 1, id="the first time at once"),
        pytest.param([refresh(RunStatus.SUCCEEDED)], 23, 0, id="not before its time"),
        pytest.param([refresh(RunStatus.SUCCEEDED)], 24, 1, id="in its time"),
        pytest.param([refresh(RunStatus.FAILED)], 23, 0, id="a failure is not repeated before its time"),
        pytest.param([refresh(RunStatus.RUNNING)], 48, 0, id="not beside another one"),
        pytest.param(
            [
                refresh(RunStatus.CANCELED, detail={PUT_OFF: True}, created_at=NOON + timedelta(hours=23)),
                refresh(RunStatus.SUCCEEDED),
            ],
            24,
            1,
            id="one that was put off has had no turn",
        ),
        pytest.param([change(RunKind.APPLY)], 0, 0, id="not while another project of it is applied"),
        pytest.param([change(RunKind.DESTROY, stack=STACK)], 0, 0, id="not while it is destroyed"),
        pytest.param(
            [change(RunKind.APPLY, stack=POLICY.stack("acme/infra", "prod", "app"))],
            0,
            1,
            id="another environment's apply is no obstacle",
        ),
        pytest.param([change(RunKind.DRIFT)], 0, 1, id="who only looks is no obstacle"),
        pytest.param(
            [replace(change(RunKind.SYNC), status=RunStatus.QUEUED)], 0, 1, id="nor is who waits for a lock"
        ),
    ],
)
async def test_a_refresh_is_queued_once_when_it_is_due(runs: list[Run], hours: int, queued: int) -> None:
    world = World(runs_there=runs, at=NOON + timedelta(hours=hours))

    assert await world.look() == queued


@pytest.mark.parametrize(
    ("status", "stack", "is_seen"),
    [
        pytest.param(RunStatus.RUNNING, ELSEWHERE, True, id="another project of the environment"),
        pytest.param(RunStatus.QUEUED, ELSEWHERE, False, id="one that has not begun"),
        pytest.param(RunStatus.RUNNING, STACK, False, id="the same state, whose queue keeps them apart"),
        pytest.param(
            RunStatus.RUNNING, POLICY.stack("acme/infra", "prod", "net"), False, id="another environment"
        ),
    ],
)
async def test_an_apply_that_starts_sees_who_copies_into_its_environment(
    status: RunStatus, stack: Stack, *, is_seen: bool
) -> None:
    world = World(runs_there=[refresh(status)])

    assert (await copying(cast("Reader", world), stack) is not None) is is_seen


@pytest.mark.parametrize(
    ("world", "words"),
    [
        pytest.param(
            World(holds_there=[builders.hold()]),
            "staging is on hold: the database is being moved (by owner)",
            id="on hold",
        ),
        pytest.param(
            World(holds_there=[builders.hold(repo=None, env=None, cause=HoldCause.STOP)]),
            "Everything is stopped: the database is being moved (by owner)",
            id="stopped",
        ),
        pytest.param(
            World(locked_by="dev on her laptop"), "lock of staging (app) is held by dev", id="locked"
        ),
    ],
)
async def test_nothing_is_queued_while_somebody_keeps_the_environment(world: World, words: str) -> None:
    said = await world.turns().obstacle(cast("Any", world), STACK)

    assert said is not None
    assert words in said
    assert await world.look() == 0


def refreshing(world: World, **parts: Any) -> Refreshing:
    names = (
        "github",
        "policies",
        "trees",
        "workspace",
        "terraform",
        "states",
        "credentials",
        "jobs",
    )
    return Refreshing(
        records=cast("Records", world),
        completion=cast("Any", world),
        clock=cast("Clock", world),
        turns=world.turns(),
        owners=cast("Any", world),
        **{name: cast("Any", parts.get(name)) for name in names},
    )


async def test_command_cut_off_is_told_and_not_started_again() -> None:
    begun = refresh(RunStatus.RUNNING, intent_at=NOON)
    world = World(runs_there=[begun])

    await refreshing(world).execute(begun.id)

    status, failure, said, _ = world.ended[0]
    assert (status, failure) == (RunStatus.INTERRUPTED, FailureClass.EXECUTOR)
    assert "not repeated automatically" in said


@dataclass
class Unreadable:
    """A repository with its policy, and states that the plan's key pair does not reach."""

    data: bytes | None = None
    error: StoreError | None = None

    async def repository(self, _: str) -> Repo:
        return REPO

    async def load(self, _: Repo) -> LoadedPolicy:
        return LOADED

    def backend(self, stack: Any, *, purpose: str) -> Any:
        assert purpose == "plan"
        return stack.state_key

    async def read(self, _: Any) -> tuple[Any, bytes | None]:
        if self.error is not None:
            raise self.error
        return None, self.data


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (
            Unreadable(error=StoreError("reading prod/app: access denied.")),
            "plans may read: reading prod/app: access",
        ),
        (Unreadable(), "prod (app) has no state yet"),
    ],
    ids=["a key pair that does not reach it", "never applied"],
)
async def test_missing_outputs_fail_at_once_so_no_apply_waits(parts: Unreadable, words: str) -> None:
    queued = refresh(RunStatus.QUEUED)
    world = World(runs_there=[queued])

    names = ("github", "policies", "states", "credentials")
    await refreshing(world, **dict.fromkeys(names, parts)).execute(queued.id)

    status, failure, said, _ = world.ended[0]
    assert (status, failure) == (RunStatus.FAILED, FailureClass.STATE)
    assert words in said
