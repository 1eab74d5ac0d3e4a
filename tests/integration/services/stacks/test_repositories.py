"""Who is served and whose each state is, as the records have it."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.adapters.database import Database, migrate
from bot.adapters.database.connection.engines import migration_engine, parse_url
from bot.adapters.database.queries import rows
from bot.adapters.database.tables import core
from bot.domain.core.errors import NotServedError, StateOwnerError
from bot.domain.core.model import EnvName, PlanId, PlanStatus, ProjectName, RunId, RunStatus, Stack
from bot.domain.core.refusals import Reason
from bot.domain.core.repositories import Listed, read_entries
from bot.services.access.admission import Admission, Sender
from bot.services.stacks.state_owners import StateOwners
from tests.fakes.accounts import account
from tests.fakes.clock import HandClock
from tests.fakes.records.rows import NOW, STAGING, a_lock, a_plan, a_run
from tests.integration.conftest import Inspector
from tests.integration.database.old_rows import old_rows

ROOT = Path(__file__).parents[4]
OTHER = replace(STAGING, repo="acme/other")
BUCKET = "states"


def admission(records: Database, *entries: str) -> Admission:
    return Admission(listed=Listed(read_entries(entries)), records=records, clock=HandClock())


def owners(records: Database) -> StateOwners:
    return StateOwners(records=records, clock=HandClock(), bucket=BUCKET)


async def receive(one: Admission, full_name: str, id: int) -> str | None:
    async with one.records.write() as writer:
        return await one.receive(writer, Sender(full_name=full_name, id=id, login="dana"))


async def bind(records: Database, **ids: int) -> None:
    async with records.write() as writer:
        for name, number in ids.items():
            await writer.bind_repository(f"acme/{name}", number, NOW)


# --- Who is served ---------------------------------------------------------------------------------------


async def test_the_first_delivery_binds_a_name_to_its_id(records: Database) -> None:
    listed = admission(records, "acme/infra")

    assert await listed.id_of("acme", "infra") is None
    assert await receive(listed, "Acme/Infra", 7) is None
    assert await listed.id_of("acme", "infra") == 7


async def test_another_repository_of_the_name_needs_its_id_listed(
    records: Database, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a name that is bound, and another repository that has it now,
    listed = admission(records, "acme/infra")
    await receive(listed, "acme/infra", 7)

    # when it sends deliveries,
    answers = [await receive(listed, "acme/infra", 8) for _ in range(3)]

    # then each is refused, the operator is told once in the log, and tokens stay those of the first,
    assert answers == ["other_id"] * 3
    assert [one.message for one in caplog.records if "list it as acme/infra#8" in one.message] != []
    assert len([one for one in caplog.records if one.levelname == "WARNING"]) == 1
    assert await listed.id_of("acme", "infra") == 7
    assert await listed.replaced() == 1
    async with records.read() as reader:
        [asked] = await reader.turned_away()
    assert (asked.full_name, asked.id, asked.deliveries, asked.sender) == ("acme/infra", 8, 3, "dana")

    # and the entry that names it lets it in, and nobody else.
    renewed = admission(records, "acme/infra#8")
    assert await receive(renewed, "acme/infra", 8) is None
    assert await receive(renewed, "acme/infra", 7) == "other_id"
    assert await renewed.id_of("acme", "infra") == 8


async def test_unlisted_repository_is_turned_away_without_a_token(records: Database) -> None:
    listed = admission(records, "acme/infra")

    assert await receive(listed, "eve/infra", 9) == "unlisted"
    with pytest.raises(NotServedError, match="eve/infra is not listed in GATEWRIGHT_REPOSITORIES"):
        listed.require("eve", "infra")
    with pytest.raises(NotServedError, match="no repository of eve is listed"):
        listed.require("eve", None)
    listed.require("acme", None)
    assert not await listed.admits("eve/infra", 9)
    assert await listed.replaced() == 0


async def test_queued_run_of_a_repository_listed_no_more_is_canceled(records: Database) -> None:
    async with records.write() as writer:
        first = await writer.add_run(a_run(), NOW)
        second = await writer.add_run(a_run("run-2"), NOW)
        await writer.record_intent(RunId("run-2"), NOW)
    assert first is not None
    assert second is not None
    left, listed = admission(records, "acme/other"), admission(records, "acme/infra")

    assert not await listed.give_up(first)
    assert await left.give_up(first)
    # What has begun is explained, and nothing of it is told.
    assert not await left.give_up(second)
    assert left.is_silent(second)

    async with records.read() as reader:
        run = await reader.run(RunId("run-1"))
    assert run is not None
    assert (run.status, run.summary) == (
        RunStatus.CANCELED,
        "acme/infra is not listed in GATEWRIGHT_REPOSITORIES any more",
    )


# --- Whose each state is ---------------------------------------------------------------------------------


async def test_the_first_who_uses_a_state_owns_it(records: Database) -> None:
    await bind(records, infra=7, other=8)
    await owners(records).claim(STAGING)
    await owners(records).claim(STAGING)

    with pytest.raises(StateOwnerError, match="belongs to staging of acme/infra") as raised:
        await owners(records).claim(OTHER)

    assert "--move acme/other --env staging" in str(raised.value)
    refusal = await owners(records).refusal([STAGING, OTHER])
    assert refusal is not None
    assert refusal.reason is Reason.STATE_OWNER
    async with records.read() as reader:
        assert await owners(records).foreign(reader, [STAGING, OTHER]) == (OTHER,)
        owner = await reader.state_owner(BUCKET, STAGING.state_key)
        assert await reader.state_owner("another bucket", STAGING.state_key) is None
    assert owner is not None
    assert owner.repository_id == 7


@pytest.mark.parametrize(
    "stack",
    [
        pytest.param(replace(STAGING, env=EnvName("prod")), id="another environment"),
        pytest.param(replace(STAGING, project=ProjectName("net")), id="another project"),
    ],
)
async def test_another_stack_of_the_same_repository_is_refused_too(records: Database, stack: Stack) -> None:
    await owners(records).claim(STAGING)

    with pytest.raises(StateOwnerError, match="belongs to staging of acme/infra"):
        await owners(records).claim(stack)


async def test_renamed_repository_keeps_its_states_and_its_successor_has_none(records: Database) -> None:
    # Given a state whose owner's id was not known at first,
    await owners(records).claim(STAGING)
    await bind(records, infra=7)
    await owners(records).claim(STAGING)

    # when the repository is renamed and another one takes its old name,
    await bind(records, other=7, infra=9)

    # then the state goes with the id.
    await owners(records).claim(OTHER)
    with pytest.raises(StateOwnerError, match="belongs to staging of acme/other"):
        await owners(records).claim(STAGING)


async def test_successor_of_same_name_is_told_that_it_is_another(records: Database) -> None:
    await bind(records, infra=7)
    await owners(records).claim(STAGING)
    await bind(records, infra=9)

    with pytest.raises(StateOwnerError, match="GitHub's repository 7, which had this name before"):
        await owners(records).claim(STAGING)


async def test_two_who_claim_at_once_have_one_owner(records: Database) -> None:
    claimed = await asyncio.gather(
        *(owners(records).claim(stack) for stack in (STAGING, OTHER) for _ in range(3)),
        return_exceptions=True,
    )

    assert len([one for one in claimed if isinstance(one, StateOwnerError)]) == 3
    assert claimed.count(None) == 3


async def test_the_operator_sees_and_moves_owners(
    records: Database, url: str, tmp_path: Path, inspector: Inspector
) -> None:
    # Given a state with an owner that has an open plan of it and holds it,
    await owners(records).claim(STAGING)
    async with records.write() as writer:
        await writer.add_run(a_run(), NOW)
        await writer.move_run(RunId("run-1"), RunStatus.CANCELED, at=NOW, actor=account("dana"), why="over")
        await writer.add_plan(a_plan(status=PlanStatus.PLANNED))
        await writer.take_lock(a_lock())
    key = STAGING.state_key

    # when it is looked at and moved, then what is in the way is named,
    code, said = await state_owner(url, tmp_path)
    assert code == 0
    assert f"{key}: staging of acme/infra, since 2026-03-01\n" in said
    code, said = await state_owner(url, tmp_path, key, "--move", "acme/other")
    assert code == 1
    assert "is locked by acme/infra#7: comment `/unlock staging` there" in said

    # and once it is free, the state is the other one's and the open plan is void.
    async with records.write() as writer:
        await writer.release_lock(STAGING)
    code, said = await state_owner(url, tmp_path, key, "--move", "acme/other", "--env", "stage")
    assert code == 0
    assert "is now owned by stage of acme/other (before: staging of acme/infra)" in said
    await owners(records).claim(replace(OTHER, env=EnvName("stage")))
    async with records.read() as reader:
        plan = await reader.plan(PlanId("p2345678"))
    assert plan is not None
    assert (plan.status, plan.status_reason) == (
        PlanStatus.STALE,
        "the state belongs to stage of acme/other now",
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nothing/here",), "nothing/here has no owner yet"),
        (("nothing/here", "--move", "acme/other"), "name its environment with --env NAME"),
        (("nothing/here", "--move", "acme/*"), "is a pattern"),
        (("--forget",), "KEY is missing"),
        (("nothing/here", "--move", "a/b", "--forget"), "exclude each other"),
    ],
)
async def test_the_command_says_what_is_wrong(
    url: str, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    _, told = await state_owner(url, tmp_path, *words)

    assert said in told


async def state_owner(url: str, directory: Path, *words: str) -> tuple[int | None, str]:
    """Run the operator's command with the settings of the records alone."""
    given = {
        "PATH": os.defpath,
        "PYTHONPATH": str(ROOT),
        "GATEWRIGHT_DATABASE_URL": url,
        "GATEWRIGHT_STATE_BUCKET": BUCKET,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "state", "owner", *words),
        cwd=directory,
        env=given,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return process.returncode, out.decode()


# --- The upgrade -----------------------------------------------------------------------------------------


async def test_upgrade_knows_the_owners_by_what_was_applied_and_planned(empty_url: str) -> None:
    # Given records of the version before: one repository has planned first, another one has applied,
    # and has renamed its environment since,
    renamed = replace(STAGING, env=EnvName("stage"))
    with old_rows(empty_url, "0017") as old:
        for number, stack in enumerate((OTHER, STAGING, renamed), start=1):
            run = replace(a_run(f"run-{number}"), stack=stack)
            old.add(core.runs, rows.run_values(run) | {"created_at": NOW})
            plan = a_plan(f"p234567{number}", stack=stack, status=PlanStatus.PLANNED)
            plan = replace(plan, run_id=run.id, created_at=NOW + timedelta(days=number))
            old.add(core.plans, rows.plan_values(plan))
        old.add(core.locks, rows.lock_values(a_lock(stack=STAGING)))

    # when the schema is brought up to date,
    await asyncio.to_thread(migrate, empty_url)

    # then the state is the one's that held it, under its newest name, in whatever bucket is in use,
    new = Database(empty_url)
    await owners(new).claim(renamed)
    with pytest.raises(StateOwnerError, match="belongs to stage of acme/infra"):
        await owners(new).claim(OTHER)
    async with new.read() as reader:
        [owner] = await reader.state_owners(BUCKET)
        theirs = await reader.plan(PlanId("p2345671"))
        ours = await reader.plan(PlanId("p2345673"))
    assert owner.is_stack(renamed, None)
    # and what the other one has planned for it can be applied no more.
    assert theirs is not None
    assert ours is not None
    assert (theirs.status, theirs.status_reason) == (PlanStatus.STALE, "the state belongs to acme/infra")
    assert ours.status is PlanStatus.PLANNED
    engine = migration_engine(parse_url(empty_url))
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT bucket FROM state_owners")).scalars().all() == [BUCKET]
    engine.dispose()
    await new.close()
