"""A restore in its store and its records: what is in its way, what is written once, and what follows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.adapters.encryption import AesGcmCipher
from bot.adapters.state_reader import StoredStates
from bot.domain.errors import ObjectExistsError, StoreError, UnreadableStateError
from bot.domain.holds import HoldCause
from bot.domain.model import Login, PlanId, PlanStatus, Repo, Run, RunId, RunKind, RunStatus, StateIdentity
from bot.domain.redaction import Redactor
from bot.domain.refusals import Reason, Refusal
from bot.ports import Backend, Workspace
from bot.ports.restores import StateLock, Stored
from bot.services.changing import Changing
from bot.services.endings import Endings
from bot.services.jobs import Credentials, RunLogs
from bot.services.losses import Losses
from bot.services.requesting import Wish
from bot.services.restore_holds import letting_through, lift_reviewed
from bot.services.restore_proposals import Proposal, RestoreProposals
from bot.services.restore_runs import RestoreRuns, _lock
from bot.services.restoring import Restoring
from bot.services.state_owners import StateOwners
from bot.services.states import Snapshots
from tests.fakes import builders
from tests.fakes.object_store import MemoryObjectStore
from tests.integration.database.builders import NOW, STAGING, a_lock, a_plan, a_run, a_state_version
from tests.integration.database.test_losses import Noon

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


class Given:
    """Key pairs, redactors, logs and file locks of nothing in particular."""

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
class Night:
    """Everything that a restore has to do with."""

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
        assert await self.asking.request(a_wish(), await self.proposed()) is None
        return (await self.newest()).id

    async def newest(self) -> Run:
        async with self.records.read() as reader:
            return (await reader.runs(kinds=(RunKind.RESTORE,)))[0]


def a_wish(**changes: Any) -> Wish:
    wish = Wish(
        repo=Repo(owner="acme", name="infra", installation_id=1),
        pull=builders.pull(),
        actor=Login("admin"),
        comment_id=5,
        asked_at=NOW,
        correlation_id="guid-5",
    )
    return replace(wish, **changes)


@pytest.fixture
async def night(records: Database) -> Night:
    """Staging at serial 5, of which serials 3 and 5 were kept, with a plan and a lock of nobody."""
    bucket, given = Bucket(), Given()
    kept = StoredStates(
        states=MemoryObjectStore(), artifacts=MemoryObjectStore(), cipher=AesGcmCipher(bytes(32))
    )
    credentials, clock = cast("Credentials", given), Noon(LATER)
    proposals = RestoreProposals(records=records, kept=kept, credentials=credentials)
    made = Night(
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
            endings=Endings(records=records, logs=cast("RunLogs", given), clock=clock),
            clock=clock,
        ),
    )
    async with records.write() as writer:
        await writer.add_run(a_run(), NOW)
        await writer.move_run(RunId("run-1"), RunStatus.CANCELED, at=NOW, actor="dana", why="over")
        await writer.add_plan(a_plan(state_serial=9))
    await made.snapshot(ONE)
    await made.snapshot(TWO)
    return made


async def test_a_state_is_written_once_above_every_serial_and_everything_else_waits(night: Night) -> None:
    run_id = await night.requested()

    await night.runs.execute(run_id)
    await night.runs.execute(run_id)

    # The highest serial on record is that of a plan.
    assert night.bucket.writes == [a_state("one", serial=10)]
    assert night.bucket.held_by is None
    run = await night.newest()
    assert (run.status, run.detail["state"], run.detail["serial_after"]) == (
        RunStatus.SUCCEEDED,
        "restored",
        10,
    )
    assert [each["address"] for each in run.detail["orphans"]] == ["terraform_data.two"]
    async with night.records.read() as reader:
        plan, [hold] = await reader.plan(PlanId("p2345678")), await reader.holds()
        versions = await reader.state_versions(STAGING.state_key)
        lock, restore = await reader.lock(STAGING), await reader.restore(run_id)
    assert plan is not None
    assert (plan.status, plan.status_reason) == (PlanStatus.STALE, f"the state was restored by run {run_id}")
    assert (hold.cause, hold.run_id) == (HoldCause.RESTORE, run_id)
    assert [(each.moment, each.identity.serial) for each in versions[:2]] == [("after", 10), ("before", 5)]
    assert restore is not None
    assert restore.written_sha256 == hashlib.sha256(night.bucket.writes[0]).hexdigest()
    # The stack was held for it alone.
    assert lock is not None
    assert await night.runs.let_go(run_id) == STAGING
    async with night.records.read() as reader:
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
async def test_what_a_lost_process_did_is_said_and_nothing_is_written_again(
    night: Night, written: Any, status: RunStatus, state: str
) -> None:
    # Given a process that noted its intent and was lost somewhere behind that,
    run_id = await night.requested()
    night.bucket.refuses = StoreError("the store is away")
    with pytest.raises(StoreError):
        await night.runs.execute(run_id)
    night.bucket.data, night.bucket.refuses = written(a_state("one", serial=10)), None

    # when its step is repeated, then it looks and says what it sees.
    await night.runs.execute(run_id)

    run = await night.newest()
    assert (run.status, run.detail["state"]) == (status, state)
    assert night.bucket.writes == []
    assert night.bucket.held_by is None
    async with night.records.read() as reader:
        held = [hold.cause for hold in await reader.holds()]
    assert held == ([] if state == "not_changed" else [HoldCause.RESTORE])


async def test_a_restore_that_was_given_up_keeps_nobody_out_when_that_is_told(night: Night) -> None:
    # Given a store that went away for good when Terraform's lock was taken and the intent noted,
    run_id = await night.requested()
    night.bucket.refuses = StoreError("the store is away")
    with pytest.raises(StoreError):
        await night.runs.execute(run_id)
    async with night.records.read() as reader:
        restore = await reader.restore(run_id)
    assert restore is not None
    night.bucket.held_by = _lock(await night.newest(), restore).id
    # so that the engine gave up after many tries,
    losses = Losses(records=night.records, clock=Noon(LATER))
    await losses.record("execute_change", run_id, "StoreError: the store is away")
    # when that is told, twice,
    fakes = dict.fromkeys((each.name for each in fields(Changing)), cast("Any", Told()))
    changing = Changing(**{**fakes, "records": night.records, "restore_runs": night.runs})
    await changing.report(run_id)
    await changing.report(run_id)
    # then neither Terraform's lock nor that of the stack is left, and the environment is on hold.
    assert night.bucket.held_by is None
    async with night.records.read() as reader:
        assert await reader.lock(STAGING) is None
        assert [hold.cause for hold in await reader.holds()] == [HoldCause.RESTORE]


class Told:
    """Whoever tells of an end, and who waits for a stack."""

    async def report(self, _: RunId) -> None:
        return None

    async def freed(self, _: object) -> None:
        return None


async def moved_on(night: Night) -> None:
    night.bucket.data = a_state("one", "two", "three", serial=6)


async def taken_by_terraform(night: Night) -> None:
    night.bucket.held_by = "an orphan"


async def written_meanwhile(night: Night) -> None:
    night.bucket.refuses = ObjectExistsError("another object is there already")


async def lost_snapshot(night: Night) -> None:
    cast("MemoryObjectStore", night.kept.artifacts).objects.clear()


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
    night: Night, happens: Any, reason: Reason
) -> None:
    run_id = await night.requested()
    await happens(night)

    await night.runs.execute(run_id)

    run = await night.newest()
    assert (run.status, run.detail["refusals"][0]["reason"]) == (RunStatus.FAILED, reason)
    assert night.bucket.writes == []
    async with night.records.read() as reader:
        assert await reader.holds() == []


async def test_nothing_is_queued_while_anything_else_is_at_work_or_another_holds_the_stack(
    night: Night,
) -> None:
    proposal = await night.proposed()
    async with night.records.write() as writer:
        await writer.add_run(a_run("run-2"), NOW)
    busy = await night.asking.request(a_wish(), proposal)
    async with night.records.write() as writer:
        await writer.move_run(RunId("run-2"), RunStatus.CANCELED, at=NOW, actor="dana", why="over")
        await writer.take_lock(a_lock(8))
    held = await night.asking.request(a_wish(), proposal)
    # A merge that only waits for the lock does nothing before; the stack is held by this pull request now.
    async with night.records.write() as writer:
        await writer.release_lock(STAGING)
        await writer.take_lock(a_lock(7))
        await writer.add_run(a_run("run-3", kind=RunKind.SYNC, pull=9), NOW)
    queued = await night.asking.request(a_wish(), proposal)

    assert isinstance(busy, Refusal)
    assert isinstance(held, Refusal)
    assert (busy.reason, busy.next_command) == (Reason.ALREADY_RUNNING, "/cancel run-2")
    assert held.reason is Reason.LOCKED
    assert queued is None
    # Carried out again after a crash, the command is known, and its own lock stays.
    assert await night.asking.is_repeated(a_wish())
    assert await night.runs.let_go((await night.newest()).id) is None


async def test_only_a_version_of_the_same_state_that_is_another_one_can_be_restored(night: Night) -> None:
    await night.snapshot(a_state(serial=7, lineage="another"))

    refused = {serial: await night.asking.look(STAGING, serial) for serial in (4, 5, 7)}

    reasons = {serial: found.reason for serial, found in refused.items() if isinstance(found, Refusal)}
    assert reasons == {
        4: Reason.NOT_FOUND,
        5: Reason.NO_CHANGES,
        7: Reason.LINEAGE,
    }
    versions = await night.runs.proposals.versions(STAGING)
    assert [each.identity.serial for each in versions] == [7, 5, 3]


async def test_what_is_damaged_is_compared_with_the_newest_version_that_can_be_read(night: Night) -> None:
    night.bucket.data = TWO[:60].replace(b": 5", b": 44")

    proposal = await night.proposed()

    assert (proposal.found, proposal.serial, proposal.current_serial) == ("unreadable", 45, 5)
    assert proposal.comparison.count == 1


@pytest.mark.parametrize("holds", [True, False], ids=["holds the stack", "held it for the restore"])
async def test_whose_plan_became_void_waits_for_a_new_one_unless_the_stack_is_its_own(
    night: Night, *, holds: bool
) -> None:
    async with night.records.write() as writer:
        await writer.add_plan(a_plan("p3456789", pull=8))
        if holds:
            await writer.take_lock(a_lock(7))

    await night.runs.execute(await night.requested())

    async with night.records.read() as reader:
        waits = await reader.waits(STAGING.state_key)
        old = await reader.unshown_plans(repo=STAGING.repo)
    assert sorted(wait.pull for wait in waits) == ([8] if holds else [7, 8])
    assert sorted(old) == ["p2345678", "p3456789"]


async def test_a_hold_lets_through_what_was_planned_of_this_state_afterwards_and_ends_with_it(
    night: Night,
) -> None:
    run_id = await night.requested()
    await night.runs.execute(run_id)
    after = a_plan("p3456789", created_at=LATER + timedelta(seconds=1))

    async with night.records.write() as writer:
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
        await lift_reviewed(writer, await night.newest(), after, LATER)
        assert await writer.holds() == []


async def test_what_a_state_marks_as_secret_is_never_shown_not_even_as_an_id(night: Night) -> None:
    marked = [{"type": "get_attr", "value": "id"}]
    instance = {"attributes": {"id": "short"}, "sensitive_attributes": [marked]}
    named = {"attributes": {"id": "db-of-hunter2-hunter2"}, "index_key": "hunter2-hunter2"}
    found = json.loads(a_state("one", serial=6))
    found["resources"] += [
        {"mode": "managed", "type": "x", "name": "y", "provider": "p", "instances": [instance, named]}
    ]
    found["outputs"] = {"password": {"value": "hunter2-hunter2", "sensitive": True}}
    night.bucket.data = json.dumps(found).encode()

    proposal = await night.proposed()

    assert [(each.address, each.id) for each in proposal.comparison.orphans] == [
        ("x.y", "(sensitive)"),
        ('x.y["(sensitive)"]', "db-of-(sensitive)"),
    ]


async def test_what_a_change_left_is_kept_also_where_it_is_no_state(night: Night) -> None:
    snapshots = night.runs.snapshots
    await night.requested()
    run = await night.newest()
    cast("MemoryObjectStore", night.kept.states).objects[STAGING.state_key] = b"damaged"

    with pytest.raises(UnreadableStateError, match="/state restore"):
        await snapshots.take(run, "before", None)
    version = await snapshots.take(run, "after", None)

    assert version.identity == StateIdentity(
        serial=None, lineage=None, sha256=hashlib.sha256(b"damaged").hexdigest()
    )
    assert await night.kept.kept(str(version.object_key)) == b"damaged"
    # It is no version to go back to.
    async with night.records.read() as reader:
        assert [each.identity.serial for each in await reader.snapshots(STAGING.state_key)] == [5, 3]
