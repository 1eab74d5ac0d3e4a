from __future__ import annotations

import asyncio
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.terraform.process import Child, Command
from bot.adapters.terraform.supervision import LARGEST_ANSWER, Limits, Supervision
from bot.adapters.terraform.tail import LogTail

SECRET = "a-secret\nof two lines"


class Watched:
    """A small shell program under supervision."""

    def __init__(self, directory: Path, script: str) -> None:
        self.lines: list[str] = []
        self.log = directory / "log"
        self.child = Child(
            Command(
                argv=("/bin/sh", "-c", script),
                cwd=directory,
                environment={"PATH": "/usr/bin:/bin"},
                output=self.log,
            )
        )
        self.tail = LogTail(self.log, redact=self._redact, on_line=self.lines.append)

    def _redact(self, text: str) -> str:
        return text.replace(SECRET, "***")

    async def hears(self, line: str) -> None:
        """Wait until the program has said this."""
        async with asyncio.timeout(30):
            while line not in self.log.read_text(encoding="utf-8").splitlines():  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)

    def under(
        self,
        limits: Limits,
        *,
        seconds: float = 60.0,
        may_outlive: bool = False,
        who: str | None = None,
        answer: Path | None = None,
    ) -> Supervision:
        async def stop() -> str | None:
            return who

        return Supervision(
            child=self.child,
            tail=self.tail,
            stop=stop,
            deadline=asyncio.get_running_loop().time() + seconds,
            limits=limits,
            may_outlive=may_outlive,
            answer=answer,
        )


Watch = Callable[[str], Watched]


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    return lambda script: Watched(tmp_path, script)


async def test_a_program_that_ignores_interrupts_is_killed_in_the_end(watch: Watch) -> None:
    watched = watch("trap '' INT; echo ready; while :; do sleep 0.05; done")

    ended = await watched.under(Limits(repeatable_grace=0.3, last_grace=0.3), who="alice").until_ended()

    assert ended.stopped_by == "alice"
    assert ended.exit_code == -signal.SIGKILL


async def test_a_program_gets_a_second_interrupt_after_its_grace(watch: Watch) -> None:
    # A shell takes two signals for one while a program of its own is in front of it, so it waits for one behind.
    watched = watch("trap 'n=x$n; [ $n = xx ] && exit 7' INT; echo ready; sleep 60 & while :; do wait; done")
    await watched.hears("ready")

    ended = await watched.under(Limits(repeatable_grace=0.5, last_grace=30.0), who="alice").until_ended()

    assert ended.exit_code == 7


async def test_lines_are_passed_on_while_the_program_runs(watch: Watch, tmp_path: Path) -> None:
    watched = watch("echo one; while [ ! -e go ]; do sleep 0.02; done; printf two")
    task = asyncio.create_task(watched.under(Limits()).until_ended())
    async with asyncio.timeout(30):
        while "one" not in watched.lines:  # noqa: ASYNC110  # Another process writes it.
            await asyncio.sleep(0.02)

    running = not task.done()
    (tmp_path / "go").touch()
    ended = await task

    assert running
    assert ended.exit_code == 0
    assert watched.lines == ["one", "two"]


async def test_a_repeatable_program_that_prints_too_much_is_stopped(watch: Watch) -> None:
    watched = watch("while :; do echo 0123456789012345678901234567890123456789; done")

    ended = await watched.under(Limits(output_bytes=10_000)).until_ended()

    assert ended.printed_too_much
    assert ended.exit_code != 0


async def test_change_that_prints_too_much_goes_on_without_its_lines(watch: Watch) -> None:
    watched = watch("i=0; while [ $i -lt 60000 ]; do i=$((i+1)); echo line $i; done; sleep 0.5; echo the end")

    ended = await watched.under(Limits(output_bytes=20_000), may_outlive=True).until_ended()

    assert ended.exit_code == 0
    assert not ended.printed_too_much
    assert watched.lines[-1] == "The output limit is reached; what follows is not kept."
    assert watched.tail.text().rstrip().endswith("the end")
    assert watched.log.stat().st_size < 20_000


async def test_memory_is_counted_with_all_that_a_program_has_started(watch: Watch) -> None:
    held = "import sys; held = bytearray(96 << 20); print('ready', flush=True); sys.stdin.read()"
    watched = watch(f'sleep 60 | {sys.executable} -c "{held}"')
    await watched.hears("ready")

    ended = await watched.under(Limits(memory_bytes=64 << 20)).until_ended()

    assert ended.took_too_much_memory
    assert ended.exit_code == -signal.SIGKILL


async def test_a_change_is_never_killed_for_its_memory(watch: Watch, tmp_path: Path) -> None:
    watched = watch("while [ ! -e go ]; do sleep 0.05; done; exit 5")
    supervision = watched.under(Limits(memory_bytes=1), may_outlive=True)
    # Memory would be looked at behind each question.
    asked = 0

    async def stop() -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            (tmp_path / "go").touch()

    assert (await replace(supervision, stop=stop).until_ended()).exit_code == 5


async def test_an_answer_that_grows_without_end_is_stopped(watch: Watch, tmp_path: Path) -> None:
    answer = tmp_path / "answer"
    with answer.open("wb") as file:
        file.truncate(LARGEST_ANSWER + 1)
    watched = watch("sleep 60")

    ended = await watched.under(Limits(repeatable_grace=0.2, last_grace=0.2), answer=answer).until_ended()

    assert ended.printed_too_much


async def test_secret_over_two_lines_is_not_in_the_last_lines(watch: Watch) -> None:
    watched = watch("printf 'before a-secret\\nof two lines after\\n'")

    await watched.under(Limits()).until_ended()

    assert watched.tail.last(60) == "before *** after"


async def test_an_endless_line_is_cut(watch: Watch) -> None:
    watched = watch("head -c 1000000 /dev/zero | tr '\\0' x; echo; echo next")

    await watched.under(Limits()).until_ended()

    assert len(watched.lines) == 2
    assert len(watched.lines[0]) < 70_000
    assert watched.lines[0].endswith("(line cut)")
    assert watched.lines[1] == "next"


async def test_bytes_that_are_no_text_do_no_harm(watch: Watch) -> None:
    watched = watch("printf 'a\\0b\\377c\\r\\n'")

    await watched.under(Limits()).until_ended()

    assert watched.lines == ["a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"]


async def test_no_core_file_can_be_written(watch: Watch) -> None:
    watched = watch("ulimit -c")

    await watched.under(Limits()).until_ended()

    assert watched.lines == ["0"]
    assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0


async def test_the_launcher_kills_its_program_when_the_parent_dies() -> None:
    launcher = Path(sys.modules[Child.__module__].__file__ or "").with_name("launch.py")
    parent = (
        f"import os, signal, subprocess, sys\n"
        f"subprocess.Popen([sys.executable, '-I', '-S', {str(launcher)!r}, str(os.getpid()), '/bin/sh', '-c',\n"
        f"  \"trap '' INT TERM; echo ready; while :; do sleep 0.02; done\"])\n"
        f"signal.pause()\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        parent,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        first = await process.stdout.readline()

        process.kill()
        rest = await process.stdout.read()

    await process.wait()
    assert (first, rest) == (b"ready\n", b"")
