from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters.database import Database
from bot.adapters.encryption import AesGcmCipher
from bot.adapters.run_logs import StoredRunLogs
from bot.domain.core.accounts import SELF
from bot.domain.core.model import PlanId, PlanStatus, RunId, RunStatus
from bot.services.upkeep.upkeep import Keep, Upkeep
from tests.fakes.clock import HandClock
from tests.fakes.object_store import MemoryObjectStore
from tests.fakes.records.releases import a_release
from tests.fakes.records.rows import NOW, STAGING, a_delivery, a_lock, a_plan, a_run
from tests.integration.conftest import Inspector

DAY = timedelta(days=1)
ALL = Keep(logs=30 * DAY, plans=30 * DAY, payloads=30 * DAY, workflows=30 * DAY, idle=30 * DAY)
EVERY = timedelta(hours=1)
PARTS = ("plan", "secrets", "work")


class Cut(Exception):  # noqa: N818 - it stands for the end of a process
    """The process ended here."""


class Bucket(MemoryObjectStore):
    """A store whose machine can be lost after a number of deletions."""

    deletions_left: int | None = None

    async def delete(self, key: str) -> None:
        if self.deletions_left is not None:
            if self.deletions_left == 0:
                raise Cut
            self.deletions_left -= 1
        await super().delete(key)


class Site:
    """One machine's upkeep on shared stores."""

    def __init__(self, records: Database, bucket: Bucket, logs: Path, keep: Keep = ALL) -> None:
        self.clock = HandClock()
        self.bucket = bucket
        self.workflows_before: list[datetime] = []
        self.idle: list[timedelta] = []
        self.logs = StoredRunLogs(
            directory=logs,
            store_to=bucket,
            cipher=AesGcmCipher(bytes(32)),
            records=records,
            clock=self.clock,
        )
        self.upkeep = Upkeep(
            records=records,
            artifacts=bucket,
            logs=self.logs,
            prune_workspace=self._workspace,
            prune_workflows=self._workflows,
            clock=self.clock,
            keep=keep,
            every=EVERY,
            on_tidied=lambda _: None,
        )

    async def _workspace(self, idle: timedelta) -> list[str]:
        self.idle.append(idle)
        return ["a slot"]

    async def _workflows(self, before: datetime) -> int:
        self.workflows_before.append(before)
        return 3


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def site(records: Database, bucket: Bucket, tmp_path: Path) -> Site:
    return Site(records, bucket, tmp_path / "logs")


async def add_plan(site: Site, records: Database, id: str, status: PlanStatus) -> None:
    plan = a_plan(id, bundle_key=f"plans/acme/infra/{id}", status=status)
    async with records.write() as writer:
        await writer.add_plan(plan)
    for part in PARTS:
        await site.bucket.put(f"{plan.bundle_key}/{part}", b"sealed")


async def add_ended_run(site: Site, records: Database, id: str, ended: datetime) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run(id), NOW)
        for status in (RunStatus.PREPARING, RunStatus.SUCCEEDED):
            await writer.move_run(RunId(id), status, at=ended, actor=SELF, why="done")
    site.logs.open(RunId(id)).write("a line")
    await site.logs.store(RunId(id))


async def test_plan_files_go_when_no_apply_or_release_needs_them(site: Site, records: Database) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run(), NOW)
    for status in PlanStatus:
        await add_plan(site, records, f"p{status}", status)
    await add_plan(site, records, "preleased", PlanStatus.APPLIED)
    await add_plan(site, records, "plast", PlanStatus.APPLIED)
    async with records.write() as writer:
        await writer.add_release(a_release("preleased"))
        await writer.add_release(a_release("plast"))

    site.clock.moment = NOW + 32 * DAY
    counts = await site.upkeep.tidy_stores()

    assert counts is not None
    assert counts["plans"] == 5
    kept = {key.split("/")[3] for key in site.bucket.objects}
    assert kept == {"papplied", "papplying", "pno_changes", "plast"}
    async with records.read() as reader:
        assert (await reader.plan(PlanId("pstale"))) is not None


async def test_the_plan_that_was_begun_last_stays_for_the_destroy(site: Site, records: Database) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run(), NOW)
    await add_plan(site, records, "pfailed", PlanStatus.FAILED)

    site.clock.moment = NOW + 400 * DAY
    await site.upkeep.tidy_stores()

    assert len(site.bucket.objects) == 3


async def test_plans_of_the_holding_pull_request_stay_for_destroy(site: Site, records: Database) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run(), NOW)
        await writer.take_lock(a_lock())
    for id_ in ("pfirst", "psecond"):
        await add_plan(site, records, id_, PlanStatus.FAILED)

    site.clock.moment = NOW + 400 * DAY
    await site.upkeep.tidy_stores()
    held = len(site.bucket.objects)
    async with records.write() as writer:
        await writer.release_lock(STAGING)
    site.clock.moment += EVERY
    await site.upkeep.tidy_stores()

    assert held == 6
    assert {key.split("/")[3] for key in site.bucket.objects} == {"psecond"}


async def test_a_plan_that_can_still_be_applied_outlives_its_age(site: Site, records: Database) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run(), NOW)
        await writer.add_plan(a_plan(bundle_key="plans/a", expires_at=NOW + 60 * DAY))
    await site.bucket.put("plans/a/plan", b"sealed")

    site.clock.moment = NOW + 40 * DAY
    await site.upkeep.tidy_stores()

    assert list(site.bucket.objects) == ["plans/a/plan"]


async def test_files_of_a_plan_stay_during_its_runs(site: Site, records: Database) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run(), NOW)
        await writer.add_run(a_run("run-2", plan_id=PlanId("pfailed")), NOW)
    await add_plan(site, records, "pfailed", PlanStatus.FAILED)

    site.clock.moment = NOW + 31 * DAY
    await site.upkeep.tidy_stores()

    assert len(site.bucket.objects) == 3


async def test_logs_and_payloads_expire_and_what_happened_stays(site: Site, records: Database) -> None:
    await add_ended_run(site, records, "old1", NOW)
    await add_ended_run(site, records, "young1", NOW + 10 * DAY)
    async with records.write() as writer:
        await writer.add_delivery(a_delivery("handled", outcome="handled"))
        await writer.add_delivery(a_delivery("waiting"))

    site.clock.moment = NOW + 31 * DAY
    counts = await site.upkeep.tidy_stores()

    assert counts == {"logs": 1, "plans": 0, "payloads": 1, "workflows": 3, "pushes": 0}
    assert site.workflows_before == [NOW + DAY]
    assert await site.logs.read(RunId("old1")) is None
    assert await site.logs.read(RunId("young1")) == "a line\n"
    async with records.read() as reader:
        assert len(await reader.timeline(RunId("old1"))) == 3
        handled, waiting = [await reader.delivery(a_delivery(name).id) for name in ("handled", "waiting")]
    assert handled is not None
    assert (handled.payload, handled.outcome) == (b"", "handled")
    assert waiting is not None
    assert waiting.payload


@pytest.mark.parametrize("kind", ["postgresql"])  # A database in a file has one worker.
async def test_one_worker_at_time_has_turn_and_another_takes_over(
    site: Site, records: Database, bucket: Bucket, tmp_path: Path
) -> None:
    other = Site(records, bucket, tmp_path / "other")

    both = await asyncio.gather(site.upkeep.tidy_stores(), other.upkeep.tidy_stores())
    assert sorted(answer is None for answer in both) == [False, True]

    for place in (site, other):
        place.clock.moment = NOW + EVERY
    assert await other.upkeep.tidy_stores() is not None
    assert await site.upkeep.tidy_stores() is None


async def test_a_turn_that_was_never_ended_is_due_at_once(records: Database) -> None:
    async def take(by: str | None, after: timedelta) -> bool:
        async with records.write() as writer:
            return await writer.take_turn("look", at=NOW + after, every=EVERY, by=by)

    # Given a process that took the turn, and was killed or failed,
    assert await take("first", timedelta())

    # then it has it again itself, and another process when that one must be dead,
    assert await take("first", timedelta(seconds=1))
    assert await take("second", timedelta(seconds=62))

    # and once it was ended nobody has it before it is due again.
    async with records.write() as writer:
        await writer.end_turn("look", at=NOW + timedelta(seconds=63), by="second")
    assert not await take("second", timedelta(seconds=300))
    assert not await take("third", timedelta(seconds=300))
    assert await take("third", timedelta(seconds=62) + EVERY)


async def test_a_turn_without_a_name_is_over_at_once(records: Database) -> None:
    async with records.write() as writer:
        assert await writer.take_turn("drift", at=NOW, every=EVERY)

    async with records.write() as writer:
        assert not await writer.take_turn("drift", at=NOW + timedelta(seconds=90), every=EVERY)
        assert not await writer.take_turn("drift", at=NOW + timedelta(seconds=90), every=EVERY, by="other")


async def test_a_prune_that_was_cut_off_goes_on_next_time(
    site: Site, records: Database, inspector: Inspector
) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run(), NOW)
    for number in range(3):
        await add_plan(site, records, f"p{number}", PlanStatus.STALE)
    site.clock.moment = NOW + 31 * DAY
    site.bucket.deletions_left = 4

    with pytest.raises(Cut):
        await site.upkeep.tidy_stores()
    assert inspector.rows("SELECT id FROM pruned") == []
    site.bucket.deletions_left = None
    site.clock.moment += EVERY
    await site.upkeep.tidy_stores()

    assert site.bucket.objects == {}
    assert inspector.rows("SELECT id FROM pruned ORDER BY id") == [("p0",), ("p1",), ("p2",)]


async def test_machine_drops_what_is_idle_and_its_old_log_files(site: Site, records: Database) -> None:
    await add_ended_run(site, records, "old1", NOW)
    site.clock.moment = datetime.fromtimestamp((site.logs.directory / "old1.log").stat().st_mtime, NOW.tzinfo)
    site.clock.moment += 31 * DAY

    gone = await site.upkeep.tidy_machine()

    assert (gone, site.idle) == (2, [30 * DAY])
    assert list(site.logs.directory.iterdir()) == []
    assert await site.logs.read(RunId("old1")) == "a line\n"


async def test_nothing_goes_where_everything_is_kept_for_ever(
    records: Database, bucket: Bucket, tmp_path: Path
) -> None:
    for_ever = Keep(logs=None, plans=None, payloads=None, workflows=None, idle=None)
    site = Site(records, bucket, tmp_path / "logs", keep=for_ever)
    await add_ended_run(site, records, "old1", NOW)

    site.clock.moment = NOW + 9999 * DAY

    assert await site.upkeep.tidy_stores() == {"pushes": 0}
    assert await site.upkeep.tidy_machine() == 0
    assert (site.workflows_before, site.idle) == ([], [])
