from __future__ import annotations

import asyncio
import io
import stat
import tarfile
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters import untrusted
from bot.adapters.workspace import GitWorkspace
from bot.domain.core.errors import TreeChangedError, WorkspaceError
from bot.domain.core.model import EnvName, ProjectName, StateKey
from bot.ports import CHANGES, PURPOSE_FILE, READS, GitTree, LaidOut, Slot, SourceBundle
from tests.fakes.clock import HandClock
from tests.integration.workspace.holder import inherited_by_a_child
from tests.integration.workspace.origin import REPO, STACK, Origin


async def name_of_any_slot(workspace: GitWorkspace) -> str:
    async with workspace.slot(STACK) as slot:
        return slot.name


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def is_waiting(task: asyncio.Task[object]) -> bool:
    done, _ = await asyncio.wait([task], timeout=0.3)
    return not done


async def test_a_slot_is_ready_for_work_and_ours_alone(workspace: GitWorkspace, data_dir: Path) -> None:
    async with workspace.slot(STACK) as slot:
        parts = [slot.tree, slot.data_dir, slot.scratch]

        assert [part.name for part in parts] == ["tree", "data", "scratch"]
        assert [stat.S_IMODE(part.stat().st_mode) for part in parts] == [0o700] * 3
        assert slot.tree.parent == data_dir / "work" / "acme--infra--default--staging" / slot.name


async def test_a_released_slot_is_used_again_with_an_empty_scratch(workspace: GitWorkspace) -> None:
    async with workspace.slot(STACK) as slot:
        (slot.tree / "kept").touch()
        (slot.data_dir / "kept").touch()
        (slot.scratch / "secret").mkdir()
        (slot.scratch / "secret" / "credentials").touch()
        scratch = slot.scratch

    assert list(scratch.iterdir()) == []
    async with workspace.slot(STACK) as again:
        assert again.name == slot.name
        assert (again.tree / "kept").exists()
        assert (again.data_dir / "kept").exists()


async def test_parallel_holders_get_different_slots_up_to_the_cap(workspace: GitWorkspace) -> None:
    async with AsyncExitStack() as held:
        slots = [await held.enter_async_context(workspace.slot(STACK)) for _ in range(3)]
        fourth = asyncio.create_task(name_of_any_slot(workspace))

        assert {slot.name for slot in slots} == {"0", "1", "2"}
        assert await is_waiting(fourth)

    assert await fourth in {"0", "1", "2"}


async def test_other_stacks_have_slots_of_their_own(workspace: GitWorkspace) -> None:
    stacks = [
        STACK,
        replace(STACK, env=EnvName("prod")),
        replace(STACK, project=ProjectName("net")),
        replace(STACK, repo="acme/infra--default", project=ProjectName("x")),
        replace(STACK, project=ProjectName("default--x")),
        replace(STACK, repo="acme-/infra"),
        replace(STACK, repo="acme/-infra"),
    ]
    async with AsyncExitStack() as held:
        slots = [await held.enter_async_context(workspace.slot(stack)) for stack in stacks]

        assert len({slot.tree for slot in slots}) == len(stacks)


async def test_a_named_slot_is_waited_for(workspace: GitWorkspace) -> None:
    async def hold_by_name() -> str:
        async with workspace.slot(STACK, name="0") as slot:
            return slot.name

    async with workspace.slot(STACK) as first:
        waiting = asyncio.create_task(hold_by_name())

        assert first.name == "0"
        assert await is_waiting(waiting)

    assert await waiting == "0"


async def test_a_named_slot_that_is_gone_is_made_again(workspace: GitWorkspace) -> None:
    async with workspace.slot(STACK, name="12") as slot:
        assert slot.name == "12"
        assert slot.tree.is_dir()


@pytest.mark.parametrize("name", ["..", "0/..", "", "-1", "a", "0\n", "99999"])
async def test_only_a_number_names_a_slot(workspace: GitWorkspace, name: str) -> None:
    with pytest.raises(WorkspaceError, match="not the name of a slot"):
        async with workspace.slot(STACK, name=name):
            pass


@pytest.mark.parametrize("env", ["..", "a/b", "", "a\0", "ä"])
async def test_no_environment_name_leaves_the_directory(workspace: GitWorkspace, env: str) -> None:
    with pytest.raises(WorkspaceError, match="cannot be used as a directory name"):
        async with workspace.slot(replace(STACK, env=EnvName(env))):
            pass


async def test_a_child_that_inherited_the_lock_keeps_the_slot(workspace: GitWorkspace) -> None:
    async with workspace.slot(STACK) as slot:
        child = inherited_by_a_child(slot.lock_fd)
        await child.__aenter__()

    other = await name_of_any_slot(workspace)
    await child.__aexit__(None, None, None)

    assert (slot.name, other) == ("0", "1")
    assert await name_of_any_slot(workspace) == "0"


async def test_slot_left_by_a_killed_process_is_cleared_of_secrets(
    workspace: GitWorkspace, data_dir: Path
) -> None:
    scratch = data_dir / "work" / "acme--infra--default--staging" / "0" / "scratch"
    scratch.mkdir(parents=True)
    (scratch / "credentials").write_text("secret")

    async with workspace.slot(STACK) as slot:
        assert slot.scratch == scratch
        assert list(scratch.iterdir()) == []


async def test_a_cancelled_holder_frees_its_slot(workspace: GitWorkspace) -> None:
    inside = asyncio.Event()

    async def hold() -> None:
        async with workspace.slot(STACK):
            inside.set()
            await asyncio.Event().wait()

    holding = asyncio.create_task(hold())
    await inside.wait()
    holding.cancel()
    await asyncio.wait([holding])

    async with asyncio.timeout(5), workspace.slot(STACK, name="0") as slot:
        assert slot.name == "0"


async def test_descriptors_of_released_slots_are_closed(workspace: GitWorkspace) -> None:
    await name_of_any_slot(workspace)
    before = open_descriptors()

    for _ in range(20):
        await name_of_any_slot(workspace)

    assert open_descriptors() == before


async def lose_a_state(slot: Slot) -> None:
    (slot.tree / "terraform").mkdir()
    (slot.tree / "terraform" / "errored.tfstate").write_text('{"serial": 9}')


async def test_a_slot_with_an_errored_state_is_set_aside_whole(
    workspace: GitWorkspace, data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with workspace.slot(STACK) as slot:
        await lose_a_state(slot)
        (slot.scratch / "plan.log").write_text("log")

    (kept,) = workspace.quarantined()

    assert kept.parent == data_dir / "errored"
    assert kept.name.startswith("acme--infra--default--staging--0-20260101T")
    assert (kept / "tree" / "terraform" / "errored.tfstate").read_text() == '{"serial": 9}'
    assert (kept / "scratch" / "plan.log").exists()
    assert str(kept) in caplog.text
    async with workspace.slot(STACK, name=slot.name) as again:
        assert list(again.tree.iterdir()) == []


async def test_errored_state_of_a_killed_process_is_found_before_reuse(
    workspace: GitWorkspace, origin: Origin, data_dir: Path
) -> None:
    tree = data_dir / "work" / "acme--infra--default--staging" / "0" / "tree"
    tree.mkdir(parents=True)
    (tree / "errored.tfstate").write_text("{}")
    commit = await origin.commit({"main.tf": "x\n"})
    await workspace.fetch(REPO, "", [commit])

    async with workspace.slot(STACK, name="0") as slot:
        await workspace.lay_out(slot, GitTree(repo=REPO, tree=commit))

    assert [(path / "tree" / "errored.tfstate").exists() for path in workspace.quarantined()] == [True]


async def test_planned_code_cannot_pass_a_file_off_as_lost_state(
    workspace: GitWorkspace, data_dir: Path
) -> None:
    async with workspace.slot(STACK) as slot:
        (slot.scratch / PURPOSE_FILE).write_text(READS)
        await lose_a_state(slot)
        (slot.tree / "errored.tfstate").mkdir()
        with pytest.raises(TreeChangedError, match=r"errored\.tfstate: the planned code created it"):
            await workspace.left_behind(slot, LaidOut(files={}), ours={})
    async with workspace.slot(STACK) as again:
        left = list(again.tree.iterdir())

    assert again.name == slot.name
    assert left == []
    assert workspace.quarantined() == ()
    assert await workspace.errored_states(STACK) == ()


async def test_bundle_of_earlier_times_brings_no_lost_state_with_it(workspace: GitWorkspace) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in ("tree/main.tf", "tree/errored.tfstate", "tree/deep/errored.tfstate/x"):
            archive.addfile(tarfile.TarInfo(name))

    async with workspace.slot(STACK) as slot:
        await workspace.lay_out(slot, SourceBundle(data=packed.getvalue()))

    assert [path.name for path in slot.tree.iterdir()] == ["main.tf"]
    assert workspace.quarantined() == ()


@pytest.fixture
def few_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a handful of files be more than anybody looks through."""
    monkeypatch.setattr(untrusted, "MOST_ENTRIES", 5)


def crowd(slot: Slot) -> None:
    for number in range(6):
        (slot.tree / str(number)).touch()


@pytest.mark.usefixtures("few_entries")
async def test_a_slot_crowded_by_a_plan_is_used_again(workspace: GitWorkspace) -> None:
    async with workspace.slot(STACK) as slot:
        (slot.scratch / PURPOSE_FILE).write_text(READS)
        crowd(slot)

    async with workspace.slot(STACK) as again:
        assert again.name == slot.name
        assert list(again.tree.iterdir()) == []
    assert workspace.quarantined() == ()


@pytest.mark.usefixtures("few_entries")
async def test_a_slot_crowded_by_a_change_is_kept(workspace: GitWorkspace) -> None:
    async with workspace.slot(STACK) as slot:
        (slot.scratch / PURPOSE_FILE).write_text(CHANGES)
        crowd(slot)

    async with workspace.slot(STACK) as again:
        assert list(again.tree.iterdir()) == []
    assert len(workspace.quarantined()) == 1
    assert await workspace.errored_states(STACK) == ()


@pytest.mark.parametrize("note", [CHANGES, "", None], ids=["after a change", "half a note", "no note"])
async def test_a_state_that_may_have_been_lost_is_kept(workspace: GitWorkspace, note: str | None) -> None:
    async with workspace.slot(STACK) as slot:
        if note is not None:
            (slot.scratch / PURPOSE_FILE).write_text(note)
        await lose_a_state(slot)

    assert len(workspace.quarantined()) == 1


async def test_idle_slots_and_mirrors_are_removed_unless_busy_or_errored(
    workspace: GitWorkspace, origin: Origin, clock: HandClock, data_dir: Path
) -> None:
    commit = await origin.commit({"main.tf": "x\n"})
    await workspace.fetch(REPO, "", [commit])
    async with workspace.slot(STACK, name="0"), workspace.slot(STACK, name="1") as errored:
        await lose_a_state(errored)
    clock.advance(days=8)
    async with workspace.slot(STACK, name="2") as fresh:
        removed = await workspace.prune(timedelta(days=7))

    stack = data_dir / "work" / "acme--infra--default--staging"
    assert set(removed) == {stack / "0", data_dir / "mirrors" / "acme" / "infra.git"}
    assert not any(path.exists() for path in removed)
    assert fresh.tree.exists()
    assert len(workspace.quarantined()) == 1
    await workspace.fetch(REPO, "", [commit])
    assert await workspace.read_file(REPO, commit, "main.tf") == "x\n"


async def test_what_is_used_is_not_pruned(workspace: GitWorkspace, origin: Origin, clock: HandClock) -> None:
    commit = await origin.commit({"main.tf": "x\n"})
    await workspace.fetch(REPO, "", [commit])
    clock.advance(days=8)
    await workspace.fetch(REPO, "", [commit])
    await name_of_any_slot(workspace)

    assert list(await workspace.prune(timedelta(days=7))) == []
    assert await workspace.read_file(REPO, commit, "main.tf") == "x\n"


async def test_a_state_lock_lets_plans_share_and_a_change_wait(workspace: GitWorkspace) -> None:
    key = StateKey("staging/terraform.tfstate")
    order: list[str] = []

    async def change() -> None:
        async with workspace.state_lock(key, exclusive=True):
            order.append("change")

    async with workspace.state_lock(key, exclusive=False), workspace.state_lock(key, exclusive=False):
        changing = asyncio.create_task(change())
        assert await is_waiting(changing)
        order.append("plans done")
    await changing

    assert order == ["plans done", "change"]


async def test_plans_wait_for_change_and_do_not_overtake_waiting_one(workspace: GitWorkspace) -> None:
    key = StateKey("staging/terraform.tfstate")
    order: list[str] = []

    async def take(name: str, *, exclusive: bool) -> None:
        async with workspace.state_lock(key, exclusive=exclusive):
            order.append(name)

    async with workspace.state_lock(key, exclusive=False):
        changing = asyncio.create_task(take("change", exclusive=True))
        assert await is_waiting(changing)
        planning = asyncio.create_task(take("plan", exclusive=False))
        assert await is_waiting(planning)
    await asyncio.gather(changing, planning)

    assert order == ["change", "plan"]


async def test_state_locks_of_other_keys_do_not_meet(workspace: GitWorkspace) -> None:
    one = workspace.state_lock(StateKey("a/../b"), exclusive=True)
    two = workspace.state_lock(StateKey("b"), exclusive=True)

    async with asyncio.timeout(5), one as first, two as second:
        assert first != second


async def test_an_orphaned_apply_holds_the_state_lock(workspace: GitWorkspace) -> None:
    key = StateKey("prod/terraform.tfstate")

    async def take() -> None:
        async with workspace.state_lock(key, exclusive=True):
            pass

    async with workspace.state_lock(key, exclusive=True) as fd:
        child = inherited_by_a_child(fd)
        await child.__aenter__()
    taking = asyncio.create_task(take())
    waited = await is_waiting(taking)
    await child.__aexit__(None, None, None)
    await taking

    assert waited


async def test_the_lock_directory_holds_no_key_in_clear(workspace: GitWorkspace, data_dir: Path) -> None:
    async with workspace.state_lock(StateKey("prod/../../x"), exclusive=False):
        names = {path.name for path in (data_dir / "locks").iterdir()}

    assert {len(name.partition(".")[0]) for name in names} == {64}


async def test_errored_states_are_read_for_their_own_stack_only(
    workspace: GitWorkspace, data_dir: Path, clock: HandClock
) -> None:
    # Given a slot whose Terraform was killed with it, one of a stack with a longer name, and a file that is no state,
    other = replace(STACK, env=EnvName(f"{STACK.env}2"), state_key=StateKey("other"))
    for stack, text in (
        (STACK, '{"serial": 9, "lineage": "l"}'),
        (other, '{"serial": 1, "lineage": "m"}'),
        (STACK, "[]"),
    ):
        async with workspace.slot(stack) as slot:
            (slot.tree / "terraform").mkdir(exist_ok=True)
            (slot.tree / "terraform" / "errored.tfstate").write_text(text)
        clock.advance(seconds=1)
    # when the errored states are asked for, then those of the stack come, from where they are kept for good.
    (found,) = await workspace.errored_states(STACK)
    assert (found.serial, found.lineage) == (9, "l")
    assert found.path.is_relative_to(data_dir / "errored")
    assert found.path.read_text() == '{"serial": 9, "lineage": "l"}'
