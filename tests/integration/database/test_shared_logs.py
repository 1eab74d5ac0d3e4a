"""The log of a run on one machine, read on another: both see only the database and the bucket."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path

import pytest

from bot.adapters.database import Database
from bot.adapters.encryption import AesGcmCipher
from bot.adapters.live_log import CUT, WITHHELD
from bot.adapters.run_logs import StoredRunLogs
from bot.domain.core.model import RunId
from tests.fakes.clock import HandClock
from tests.fakes.object_store import MemoryObjectStore
from tests.fakes.records.rows import NOW, a_run
from tests.integration.conftest import Inspector

RUN = RunId("run1")


class Machines:
    """Machines with a disk each, that share a database and a bucket."""

    def __init__(self, records: Database, root: Path) -> None:
        self._records = records
        self._root = root
        self._bucket = MemoryObjectStore()

    def machine(self, name: str) -> StoredRunLogs:
        return StoredRunLogs(
            directory=self._root / name,
            store_to=self._bucket,
            cipher=AesGcmCipher(b"k" * 32),
            records=self._records,
            clock=HandClock(),
        )


@pytest.fixture
async def machines(records: Database, tmp_path: Path) -> Machines:
    async with records.write() as writer:
        assert await writer.add_run(a_run("run1"), NOW) is not None
    return Machines(records, tmp_path)


async def shared(logs: StoredRunLogs, count: int) -> list[str]:
    """Wait until so many lines can be read."""
    async with asyncio.timeout(20):
        while len(lines := await logs.lines(RUN)) < count:  # noqa: ASYNC110 - They are written behind.
            await asyncio.sleep(0.02)
    return list(lines)


async def test_another_machine_reads_lines_while_they_are_written(machines: Machines) -> None:
    worker, web = machines.machine("worker"), machines.machine("web")
    log = worker.open(RUN)

    log.write("one")
    log.write("two\nthree")
    first = await shared(web, 3)
    log.write("\udcff four")
    second = await web.lines(RUN, after=await _count(web, 4) - 1)

    assert first == ["one", "two", "three"]
    assert second == ["? four"]
    assert await web.read(RUN) == "one\ntwo\nthree\n? four\n"
    await worker.store(RUN)


async def _count(logs: StoredRunLogs, count: int) -> int:
    return len(await shared(logs, count))


async def test_shared_log_is_encrypted_and_dropped_once_stored(
    machines: Machines, inspector: Inspector
) -> None:
    worker, web = machines.machine("worker"), machines.machine("web")
    worker.open(RUN).write("a line that nobody else may read")
    await shared(web, 1)
    written = inspector.rows("SELECT data FROM run_log_chunks")

    worker.open(RUN).write("the last line")
    await worker.store(RUN)

    assert written
    assert all(isinstance(row[0], bytes) and b"nobody" not in row[0] for row in written)
    assert inspector.rows("SELECT 1 FROM run_log_chunks") == []
    assert await web.read(RUN) == "a line that nobody else may read\nthe last line\n"


async def test_machine_that_takes_over_keeps_what_lost_one_had_shared(machines: Machines) -> None:
    lost, heir, web = machines.machine("lost"), machines.machine("heir"), machines.machine("web")
    lost.open(RUN).write("first\nsecond")
    await shared(web, 2)

    heir.open(RUN).write("third")
    lines = await shared(web, 3)
    await heir.store(RUN)

    assert lines == ["first", "second", "third"]
    assert await web.read(RUN) == "first\nsecond\nthird\n"
    await lost._unshare(RUN)


async def test_text_of_plan_is_withheld_until_its_secrets_are_known(machines: Machines) -> None:
    worker, web = machines.machine("worker"), machines.machine("web")
    log = worker.open(RUN)
    for line in (
        "terraform_data.a: Refreshing state...",
        "Terraform will perform the following actions:",
        "  # terraform_data.a will be created",
        '      + output = "hunter2hunter2"',
    ):
        log.write(line)

    lines = await shared(web, 2)
    await worker.cleanse(RUN, lambda text: text.replace("hunter2hunter2", "***"))
    worker.open(RUN).write("Plan: 1 to add.")
    await worker.store(RUN)

    assert lines == ["terraform_data.a: Refreshing state...", WITHHELD]
    stored = await web.read(RUN) or ""
    assert "hunter2" not in stored
    assert '+ output = "***"' in stored
    assert "Plan: 1 to add." in stored


async def test_run_that_says_too_much_does_not_fill_the_database(machines: Machines) -> None:
    worker, web = machines.machine("worker"), machines.machine("web")
    log = worker.open(RUN)
    for _ in range(140):
        log.write("x" * 65_536)

    lines = await shared(web, 129)
    await worker.store(RUN)

    assert lines[-1] == CUT
    assert sum(map(len, lines)) < 8_500_000
    assert len(await web.read(RUN) or "") == 140 * 65_537


async def test_full_disk_costs_lines_of_log_and_not_the_run(machines: Machines, tmp_path: Path) -> None:
    worker, web = machines.machine("worker"), machines.machine("web")
    (tmp_path / "worker").mkdir()
    (tmp_path / "worker" / f"{RUN}.log").symlink_to("/dev/full")

    worker.open(RUN).write("Apply complete!")

    assert await shared(web, 1) == ["Apply complete!"]
    await worker._unshare(RUN)


async def test_log_that_cannot_be_cleansed_is_dropped_with_its_secrets(
    machines: Machines, tmp_path: Path
) -> None:
    worker = machines.machine("worker")
    (tmp_path / "worker").mkdir()
    # It can be read, and nothing can be written to it, as on a disk that is full.
    (tmp_path / "worker" / f"{RUN}.log").symlink_to("/proc/self/cmdline")

    await worker.cleanse(RUN, lambda _: "***")
    await worker.store(RUN)

    assert await worker.read(RUN) == ""


async def test_full_disk_drops_the_beginning_of_a_log_only(machines: Machines, tmp_path: Path) -> None:
    worker = machines.machine("worker")
    worker.open(RUN).write("Apply complete!")
    await worker._unshare(RUN)

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
    try:
        worker._prepend(RUN, "what was said elsewhere\n" * 10)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert (tmp_path / "worker" / f"{RUN}.log").read_text() == "Apply complete!\n"
    assert [path.name for path in (tmp_path / "worker").iterdir()] == [f"{RUN}.log"]
