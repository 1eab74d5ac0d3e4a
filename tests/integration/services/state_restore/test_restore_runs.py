"""A restore in its store and its records: what is in its way, what is written once, and what follows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.adapters.encryption import AesGcmCipher
from bot.adapters.sealed_objects import EncryptedObjects
from bot.adapters.state_reader import StoredStates
from bot.domain.core.errors import ObjectExistsError, StoreError, UnreadableStateError
from bot.domain.core.model import PlanId, PlanStatus, Repo, Run, RunId, RunKind, RunStatus, StateIdentity
from bot.domain.core.refusals import Reason, Refusal
from bot.domain.gates.freezes import HoldCause
from bot.domain.secrets.redaction import Redactor
from bot.ports import Backend, Workspace
from bot.ports.records.restores import StateLock, Stored
from bot.services.dispatch.run_dispatch import RunDispatch
from bot.services.dispatch.run_kinds import RunKinds
from bot.services.freezes.restore_freezes import letting_through, lift_reviewed
from bot.services.recovery.dead_letters import DeadLetters
from bot.services.runs.credentials import Credentials
from bot.services.runs.outbox import Outbox
from bot.services.runs.requests import Trigger
from bot.services.runs.run_completion import RunCompletion
from bot.services.runs.run_logs import RunLogs
from bot.services.stacks.state_owners import StateOwners
from bot.services.stacks.states import Snapshots
from bot.services.state_restore.proposals import Proposal, RestoreProposals
from bot.services.state_restore.requests import Restoring
from bot.services.state_restore.runs import RestoreRuns, _lock
from tests.fakes.accounts import account
from tests.fakes.admission import ServesAll
from tests.fakes.clock import HandClock
from tests.fakes.object_store import MemoryObjectStore
from tests.fakes.records import builders
from tests.fakes.records.rows import NOW, STAGING, a_lock, a_plan, a_run, a_state_version

LATER = NOW + timedelta(minutes=1)


def a_state(*names: str, serial: int, lineage: str = "0c7f3a52") -> bytes:
    resources = [
        {
            "mode": "managed",
            "type": "terraform_data",
            "name": name,
            "provider": "p",
            "instances": [{"attributes": {"id": f"id-{name}"}}],
        }
        for name in names
    ]
    made = {"version": 4, "serial": serial, "lineage": lineage, "outputs": {}, "resources": resources}
    return json.dumps(made, indent=2).encode()


ONE, TWO = a_state("one", serial=3), a_state("one", "two", serial=5)


@dataclass
class Bucket:
    """The state's object: its version is its tag; `refuses` is what the next write does instead."""

    data: bytes | None = TWO
    held_by: str | None = None
    refuses: StoreError | None = None
    writes: list[bytes] = field(default_factory=list)

    @asynccontextmanager
    async def open(self, _: Backend) -> AsyncIterator[Bucket]:
        yield self

    async def lock(self, lock: StateLock) -> str | None:
        if self.held_by not in {None, lock.id}:
            return self.held_by
        self.held_by = lock.id
        return None

    async def unlock(self, lock: StateLock) -> None:
        if self.held_by == lock.id:
            self.held_by = None

    async def read(self) -> Stored:
        return Stored(
            data=self.data, tag=None if self.data is None else hashlib.sha256(self.data).hexdigest()
        )

    async def write(self, data: bytes, *, over: Stored) -> None:
        if self.refuses is not None:
            raise self.refuses
        assert over == await self.read()
        self.data = data
        self.writes.append(data)


class NoServices:
    """Empty key pairs, redactors, logs and file locks."""

    def backend(self, *_: object, **__: object) -> Any:
        return None

    def redactor(self, _: object) -> Redactor:
        return Redactor()

    def open(self, _: object) -> Any:
        return self

    def write(self, _: str) -> None:
        return None

    async def store(self, _: object) -> str:
        return "logs/run"

    @asynccontextmanager
    async def state_lock(self, *_: object, **__: object) -> AsyncIterator[int]:
        yield -1


@dataclass
class RestoreScene:
    """A restore with its database, bucket and services."""

    records: Database
    bucket: Bucket
    kept: StoredStates
    asking: Restoring
    runs: RestoreRuns

    async def snapshot(self, data: bytes, *, run: str = "run-1") -> None:
        state = json.loads(data)
        identity = StateIdentity(
            serial=state["serial"], lineage=state["lineage"], sha256=hashlib.sha256(data).hexdigest()
        )
        key = await self.kept.keep(STAGING.state_key, identity, data)
        version = a_state_version(identity=identity, object_key=key, run_id=RunId(run), moment="after")
        async with self.records.write() as writer:
            await writer.add_state_version(version)

    async def proposed(self, serial: int = 3) -> Proposal:
        found = await self.asking.look(STAGING, serial)
        assert isinstance(found, Proposal), found
        return found

    async def requested(self) -> RunId:
        assert await self.asking.request(a_trigger(), await self.proposed()) is None
        return (await self.newest()).id

    async def newest(self) -> Run:
        async with self.records.read() as reader:
            return (await reader.runs(kinds=(RunKind.RESTORE,)))[0]


def a_trigger(**changes: Any) -> Trigger:
    trigger = Trigger(
        repo=Repo(owner="acme", name="infra", installation_id=1),
        pull=builders.pull(),
        actor=account("admin"),
        comment_id=5,
        asked_at=NOW,
        correlation_id="guid-5",
    )
    return replace(trigger, **changes)


@pytest.fixture
async def scene(records: Database) -> RestoreScene:
    """Staging at serial 5, of which serials 3 and 5 were kept, with a plan and a lock of nobody."""
    bucket, given = Bucket(), NoServices()
    sealed = EncryptedObjects(objects=MemoryObjectStore(), cipher=AesGcmCipher(bytes(32)))
    kept = StoredStates(states=MemoryObjectStore(), artifacts=sealed)
    credentials, clock = cast("Credentials", given), HandClock(LATER)
    proposals = RestoreProposals(records=records, kept=kept, credentials=credentials)
    made = RestoreScene(
        records=records,
        bucket=bucket,
        kept=kept,
        asking=Restoring(
            records=records,
            objects=bucket,
            kept=kept,
            proposals=proposals,
            credentials=credentials,
            clock=clock,
        ),
        runs=RestoreRuns(
            records=records,
            workspace=cast("Workspace", given),
            objects=bucket,
            snapshots=Snapshots(states=kept, records=records, clock=clock),
            proposals=proposals,
            owners=StateOwners(records=records, clock=clock, bucket="states"),
            credentials=credentials,
            completion=RunCompletion(records=records, logs=cast("RunLogs", given), clock=clock),
            clock=clock,
        ),
    )
    async with records.write() as writer:
        await writer.add_run(a_run(), NOW)
        await writer.move_run(RunId("run-1"), RunStatus.CANCELED, at=NOW, actor=account("dana"), why="over")
        await writer.add_plan(a_plan(state_serial=9))
    await made.snapshot(ONE)
    await made.snapshot(TWO)
    return made


async def test_state_is_written_once_above_every_serial_while_others_wait(scene: RestoreScene) -> None:
    run_id = await scene.requested()

    await scene.runs.execute(run_id)
    await scene.runs.execute(run_id)

    # The highest serial on record is that of a plan.
    assert scene.bucket.writes == [a_state("one", serial=10)]
    assert scene.bucket.held_by is None
    run = await scene.newest()
    assert (run.status, run.detail["state"], run.detail["serial_after"]) == (
        RunStatus.SUCCEEDED,
        "restored",
        10,
    )
    assert [each["address"] for each in run.detail["orphans"]] == ["terraform_data.two"]
    async with scene.records.read() as reader:
        plan, [hold] = await reader.plan(PlanId("p2345678")), await reader.holds()
        versions = await reader.state_versions(STAGING.state_key)
        lock, restore = await reader.lock(STAGING), await reader.restore(run_id)
    assert plan is not None
    assert (plan.status, plan.status_reason) == (PlanStatus.STALE, f"the state was restored by run {run_id}")
    assert (hold.cause, hold.run_id) == (HoldCause.RESTORE, run_id)
    assert [(each.moment, each.identity.serial) for each in versions[:2]] == [("after", 10), ("before", 5)]
    assert restore is not None
    assert restore.written_sha256 == hashlib.sha256(scene.bucket.writes[0]).hexdigest()
    # The stack was held for it alone.
    assert lock is not None
    assert await scene.runs.release_lock(run_id) == STAGING
    async with scene.records.read() as reader:
        assert await reader.lock(STAGING) is None


@pytest.mark.parametrize(
    ("written", "status", "state"),
    [
        (lambda _: TWO, RunStatus.INTERRUPTED, "not_changed"),
        (lambda restored: restored, RunStatus.SUCCEEDED, "restored"),
        (lambda _: a_state(serial=11), RunStatus.INTERRUPTED, "changed"),
        (lambda _: b"damaged", RunStatus.INTERRUPTED, "changed"),
        (lambda _: None, RunStatus.INTERRUPTED, "changed"),
    ],
    ids=["not written", "written", "somebody else's", "damaged", "gone"],
)
async def test_work_of_a_lost_process_is_reported_and_not_repeated(
    scene: RestoreScene, written: Any, status: RunStatus, state: str
) -> None:
    # Given a process that noted its intent and was lost somewhere behind that,
    run_id = await scene.requested()
    scene.bucket.refuses = StoreError("the store is away")
    with pytest.raises(StoreError):
        await scene.runs.execute(run_id)
    scene.bucket.data, scene.bucket.refuses = written(a_state("one", serial=10)), None

    # when its step is repeated, then it looks and says what it sees.
    await scene.runs.execute(run_id)

    run = await scene.newest()
    assert (run.status, run.detail["state"]) == (status, state)
    assert scene.bucket.writes == []
    assert scene.bucket.held_by is None
    async with scene.records.read() as reader:
        held = [hold.cause for hold in await reader.holds()]
    assert held == ([] if state == "not_changed" else [HoldCause.RESTORE])


async def test_restore_given_up_keeps_nobody_out_when_that_is_told(scene: RestoreScene) -> None:
    # Given a store that went away for good when Terraform's lock was taken and the intent noted,
    run_id = await scene.requested()
    scene.bucket.refuses = StoreError("the store is away")
    with pytest.raises(StoreError):
        await scene.runs.execute(run_id)
    async with scene.records.read() as reader:
        restore = await reader.restore(run_id)
    assert restore is not None
    scene.bucket.held_by = _lock(await scene.newest(), restore).id
    # so that the engine gave up after many tries,
    dead_letters = DeadLetters(records=scene.records, clock=HandClock(LATER))
    await dead_letters.record("execute_change", run_id, "StoreError: the store is away")
    # when that is told, twice,
    dispatch = dispatch_of(scene)
    await dispatch.report(run_id)
    await dispatch.report(run_id)
    # then neither Terraform's lock nor that of the stack is left, and the environment is on hold.
    assert scene.bucket.held_by is None
    async with scene.records.read() as reader:
        assert await reader.lock(STAGING) is None
        assert [hold.cause for hold in await reader.holds()] == [HoldCause.RESTORE]


class SilentServices:
    """The other services of the dispatch, which do nothing here."""

    def __getattr__(self, _: str) -> Callable[..., Awaitable[None]]:
        async def nothing(*_: object, **__: object) -> None:
            return None

        return nothing


def dispatch_of(scene: RestoreScene) -> RunDispatch:
    silent = cast("Any", SilentServices())
    others = dict.fromkeys((each.name for each in fields(RunKinds)), silent)
    kinds = RunKinds(**others | {"records": scene.records, "restore_runs": scene.runs})
    return RunDispatch(
        records=scene.records,
        admission=cast("Any", ServesAll()),
        kinds=kinds,
        outbox=Outbox(records=scene.records),
        reporting=silent,
        plan_comments=silent,
    )


async def moved_on(scene: RestoreScene) -> None:
    scene.bucket.data = a_state("one", "two", "three", serial=6)


async def taken_by_terraform(scene: RestoreScene) -> None:
    scene.bucket.held_by = "an orphan"


async def written_meanwhile(scene: RestoreScene) -> None:
    scene.bucket.refuses = ObjectExistsError("another object is there already")


async def lost_snapshot(scene: RestoreScene) -> None:
    sealed = cast("EncryptedObjects", scene.kept.artifacts)
    cast("MemoryObjectStore", sealed.objects).objects.clear()


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (moved_on, Reason.UNCONFIRMED),
        (taken_by_terraform, Reason.LOCKED),
        (written_meanwhile, Reason.STATE_MOVED),
        (lost_snapshot, Reason.SOURCE_MISSING),
    ],
    ids=[
        "one more would be forgotten",
        "Terraform's lock",
        "a write at the same time",
        "the snapshot is gone",
    ],
)
async def test_what_happened_since_the_confirmation_refuses_it(
    scene: RestoreScene, happens: Any, reason: Reason
) -> None:
    run_id = await scene.requested()
    await happens(scene)

    await scene.runs.execute(run_id)

    run = await scene.newest()
    assert (run.status, run.detail["refusals"][0]["reason"]) == (RunStatus.FAILED, reason)
    assert scene.bucket.writes == []
    async with scene.records.read() as reader:
        assert await reader.holds() == []


async def test_nothing_is_queued_while_busy_or_locked_by_another(
    scene: RestoreScene,
) -> None:
    proposal = await scene.proposed()
    async with scene.records.write() as writer:
        await writer.add_run(a_run("run-2"), NOW)
    busy = await scene.asking.request(a_trigger(), proposal)
    async with scene.records.write() as writer:
        await writer.move_run(RunId("run-2"), RunStatus.CANCELED, at=NOW, actor=account("dana"), why="over")
        await writer.take_lock(a_lock(8))
    held = await scene.asking.request(a_trigger(), proposal)
    # A merge that only waits for the lock does nothing before; the stack is held by this pull request now.
    async with scene.records.write() as writer:
        await writer.release_lock(STAGING)
        await writer.take_lock(a_lock(7))
        await writer.add_run(a_run("run-3", kind=RunKind.SYNC, pull=9), NOW)
    queued = await scene.asking.request(a_trigger(), proposal)

    assert isinstance(busy, Refusal)
    assert isinstance(held, Refusal)
    assert (busy.reason, busy.next_command) == (Reason.ALREADY_RUNNING, "/cancel run-2")
    assert held.reason is Reason.LOCKED
    assert queued is None
    # Carried out again after a crash, the command is known, and its own lock stays.
    assert await scene.asking.is_repeated(a_trigger())
    assert await scene.runs.release_lock((await scene.newest()).id) is None


async def test_only_another_version_of_the_same_state_can_be_restored(scene: RestoreScene) -> None:
    await scene.snapshot(a_state(serial=7, lineage="another"))

    refused = {serial: await scene.asking.look(STAGING, serial) for serial in (4, 5, 7)}

    reasons = {serial: found.reason for serial, found in refused.items() if isinstance(found, Refusal)}
    assert reasons == {
        4: Reason.NOT_FOUND,
        5: Reason.NO_CHANGES,
        7: Reason.LINEAGE,
    }
    versions = await scene.runs.proposals.versions(STAGING)
    assert [each.identity.serial for each in versions] == [7, 5, 3]


async def test_damaged_state_is_compared_with_the_newest_readable_version(scene: RestoreScene) -> None:
    scene.bucket.data = TWO[:60].replace(b": 5", b": 44")

    proposal = await scene.proposed()

    assert (proposal.found, proposal.serial, proposal.current_serial) == ("unreadable", 45, 5)
    assert proposal.comparison.count == 1


@pytest.mark.parametrize("holds", [True, False], ids=["holds the stack", "held it for the restore"])
async def test_invalidated_plan_waits_for_a_new_one_unless_locked_itself(
    scene: RestoreScene, *, holds: bool
) -> None:
    async with scene.records.write() as writer:
        await writer.add_plan(a_plan("p3456789", pull=8))
        for plan in ("p2345678", "p3456789"):
            await writer.mark_posted(PlanId(plan), NOW)
        if holds:
            await writer.take_lock(a_lock(7))

    await scene.runs.execute(await scene.requested())

    async with scene.records.read() as reader:
        waits = await reader.waits(STAGING.state_key)
        old = await reader.unshown_plans(repo=STAGING.repo)
    assert sorted(wait.pull for wait in waits) == ([8] if holds else [7, 8])
    assert sorted(old) == ["p2345678", "p3456789"]


async def test_hold_lets_later_plans_of_this_state_through_and_ends(
    scene: RestoreScene,
) -> None:
    run_id = await scene.requested()
    await scene.runs.execute(run_id)
    after = a_plan("p3456789", created_at=LATER + timedelta(seconds=1))

    async with scene.records.write() as writer:
        passing = {
            "after": await letting_through(writer, after),
            "before": await letting_through(writer, replace(after, created_at=NOW)),
            "of a merge": await letting_through(writer, replace(after, pull=None)),
            "of another state": await letting_through(
                writer, replace(after, stack=replace(STAGING, state_key=cast("Any", "other")))
            ),
        }
        assert {name: len(found) for name, found in passing.items()} == {
            "after": 1,
            "before": 0,
            "of a merge": 0,
            "of another state": 0,
        }
        await lift_reviewed(writer, await scene.newest(), after, LATER)
        assert await writer.holds() == []


async def test_secret_marked_by_a_state_is_never_shown(scene: RestoreScene) -> None:
    marked = [{"type": "get_attr", "value": "id"}]
    instance = {"attributes": {"id": "short"}, "sensitive_attributes": [marked]}
    named = {"attributes": {"id": "db-of-hunter2-hunter2"}, "index_key": "hunter2-hunter2"}
    found = json.loads(a_state("one", serial=6))
    found["resources"] += [
        {"mode": "managed", "type": "x", "name": "y", "provider": "p", "instances": [instance, named]}
    ]
    found["outputs"] = {"password": {"value": "hunter2-hunter2", "sensitive": True}}
    scene.bucket.data = json.dumps(found).encode()

    proposal = await scene.proposed()

    assert [(each.address, each.id) for each in proposal.comparison.orphans] == [
        ("x.y", "(sensitive)"),
        ('x.y["(sensitive)"]', "db-of-(sensitive)"),
    ]


async def test_file_left_by_a_change_is_kept_even_without_state(scene: RestoreScene) -> None:
    snapshots = scene.runs.snapshots
    await scene.requested()
    run = await scene.newest()
    cast("MemoryObjectStore", scene.kept.states).objects[STAGING.state_key] = b"damaged"

    with pytest.raises(UnreadableStateError, match="/state restore"):
        await snapshots.take(run, "before", None)
    version = await snapshots.take(run, "after", None)

    assert version.identity == StateIdentity(
        serial=None, lineage=None, sha256=hashlib.sha256(b"damaged").hexdigest()
    )
    assert await scene.kept.kept(str(version.object_key)) == b"damaged"
    # It is no version to go back to.
    async with scene.records.read() as reader:
        assert [each.identity.serial for each in await reader.snapshots(STAGING.state_key)] == [5, 3]
