"""Accounts on record: rows of the version before have no id, bar by login and grant nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.adapters.database import Database, migrate
from bot.adapters.database.queries import rows
from bot.adapters.database.queries.environment_queue import environment_queue
from bot.adapters.database.queries.fields import values_of
from bot.adapters.database.queries.forks import allowed_commits
from bot.adapters.database.queries.restores import restores
from bot.adapters.database.tables import coordination, core
from bot.adapters.database.tables.releases import releases
from bot.adapters.database.tables.reverts import reverts
from bot.adapters.database.tables.run_audit import artifact_downloads
from bot.domain.core.accounts import Account
from bot.domain.core.model import EnvName, ProjectName, RunId, RunStatus
from bot.domain.environments.waits import LockAct, LockEvent
from bot.domain.gates.freezes import Hold, HoldCause
from bot.domain.gates.overrides import Override
from tests.fakes.accounts import account, unnumbered
from tests.fakes.records.releases import a_release, a_revert
from tests.fakes.records.rows import (
    HEAD,
    NOW,
    REPO,
    STAGING,
    a_lock,
    a_plan,
    a_restore,
    a_run,
    a_state_version,
)
from tests.integration.database.old_rows import OldRows, old_rows

BEFORE = "0019"
LATER = NOW + timedelta(minutes=1)
RUN = RunId("run-1")
DANA = unnumbered("dana")
OVERRIDE = Override(
    repo=REPO,
    pull=7,
    project=ProjectName("default"),
    env=EnvName("staging"),
    gate="promoted",
    reason="it is down",
    asked_by=account("dana"),
    asked_at=NOW,
    expires_at=LATER + timedelta(hours=1),
    confirmed_by=account("erin"),
    confirmed_at=NOW,
)
HOLD = Hold(
    repo=REPO,
    env=EnvName("staging"),
    cause=HoldCause.COMMAND,
    reason="a move",
    by=account("dana"),
    since=NOW,
)


def write_everything(old: OldRows) -> None:
    """Record an act of dana's of every kind."""
    run = rows.run_values(a_run()) | {"created_at": NOW, "cancel_requested_by": "dana"}
    old.add(core.runs, run)
    entry = {"run_id": RUN, "status": "queued", "at": NOW, "actor": "dana", "why": "queued"}
    old.add(core.run_timeline, entry)
    old.add(core.plans, rows.plan_values(a_plan()))
    old.add(core.locks, rows.lock_values(a_lock()))
    old.add(core.state_versions, rows.state_version_values(a_state_version()))
    stack = rows.stack_values(STAGING)
    release = values_of(a_release(), without=("stack",)) | stack
    old.add(releases, release | {"approvers": ["owner"], "arguments": [], "outputs": {}})
    revert = values_of(a_revert("run-1"), without=("stack",)) | stack
    old.add(reverts, revert | {"undone": [], "notes": {}, "found": {}})
    old.add(restores, values_of(a_restore(), without=("stack",)) | stack)
    old.add(coordination.holds, values_of(HOLD, without=("number",)))
    old.add(coordination.overrides, values_of(OVERRIDE, without=("number",)))
    event = LockEvent(stack=STAGING, pull=7, act=LockAct.LOCKED, actor=account("dana"), why="", at=NOW)
    old.add(coordination.lock_events, values_of(event, without=("stack",)) | stack)
    old.add(environment_queue, stack | {"pull": 7, "actor": "dana", "since": NOW})
    old.add(allowed_commits, {"repo": REPO, "pull": 7, "head_sha": HEAD, "by": "dana", "at": NOW})
    asked = {"run_id": RUN, "name": "kubeconfig", "login": "dana", "at": NOW, "allowed": True}
    old.add(artifact_downloads, asked)


async def everybody(database: Database) -> dict[str, Account | None]:
    async with database.read() as reader:
        [run] = await reader.runs()
        [plan] = await reader.plans(repo=REPO)
        [lock] = await reader.locks(repo=REPO)
        [release] = await reader.releases(STAGING)
        return {
            "run": run.actor,
            "cancel": run.cancel_requested_by,
            "transition": (await reader.timeline(RUN))[0].actor,
            "plan": plan.created_by,
            "lock": lock.holder,
            "state version": (await reader.state_versions(STAGING.state_key))[0].actor,
            "release": release.actor,
            "approver": release.approvers[0],
            "revert": getattr(await reader.revert(RUN), "asked_by", None),
            "restore": getattr(await reader.restore(RUN), "asked_by", None),
            "hold": (await reader.holds())[0].by,
            "asked": (await reader.overrides(repo=REPO, pull=7))[0].asked_by,
            "confirmed": (await reader.overrides(repo=REPO, pull=7))[0].confirmed_by,
            "lock event": (await reader.lock_events(repo=REPO))[0].actor,
            "queue": (await reader.waiting())[0].actor,
            "download": (await reader.downloads(RUN))[0].by,
        }


async def test_rows_of_the_version_before_have_logins_and_no_ids(empty_url: str) -> None:
    with old_rows(empty_url, BEFORE) as old:
        write_everything(old)

    await asyncio.to_thread(migrate, empty_url)

    database = Database(empty_url)
    others = {"approver": "owner", "restore": "admin", "confirmed": "erin"}
    found = await everybody(database)
    assert found == {what: unnumbered(others.get(what, "dana")) for what in found}
    async with database.read() as reader:
        [trigger] = await reader.overrides(repo=REPO, pull=7)
        assert await reader.is_allowed(REPO, 7, HEAD)
    # Nobody can be sure any more that these were two people.
    assert not trigger.opens_for(a_plan(), LATER)
    await database.close()


async def test_what_happens_after_the_upgrade_has_ids_beside_old_rows(empty_url: str) -> None:
    with old_rows(empty_url, BEFORE) as old:
        write_everything(old)
    await asyncio.to_thread(migrate, empty_url)
    database, erin = Database(empty_url), account("erin")

    async with database.write() as writer:
        await writer.move_run(RUN, RunStatus.CANCELED, at=LATER, actor=erin, why="over")
        [hold] = await writer.holds()
        await writer.lift_hold(hold.number, by=erin, at=LATER, why="over")
        await writer.request_cancel(RUN, erin)
        held = await writer.take_lock(a_lock(pull=8, holder=erin))

    async with database.read() as reader:
        run = await reader.run(RUN)
        assert [each.actor for each in await reader.timeline(RUN)] == [DANA, erin]
    # Who asked first stays noted, and a lock that is held is not taken by who has an id.
    assert run is not None
    assert (run.cancel_requested_by, held.holder) == (DANA, DANA)
    await database.close()
