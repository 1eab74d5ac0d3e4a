"""One job of Terraform: its files, and the commands that it runs one after the other."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.adapters import untrusted
from bot.adapters.terraform import backend as state_backend
from bot.adapters.terraform.access import CODE, Access
from bot.adapters.terraform.argv import FLAG, OptionValue, TerraformArgv
from bot.adapters.terraform.engine import Program, unreadable_copy
from bot.adapters.terraform.environment import cli_config, terraform_environment
from bot.adapters.terraform.paths import (
    INSIDE,
    PLAN_NAME,
    Paths,
    make_private,
    on_host,
    read_regular,
    root_module,
    var_file,
    write_private,
)
from bot.adapters.terraform.process import Child
from bot.adapters.terraform.sandbox import Sandbox, write_accounts
from bot.adapters.terraform.step import Step
from bot.adapters.terraform.step_commands import StepCommands
from bot.adapters.terraform.supervision import Limits, Supervision, who_asks_to_stop
from bot.adapters.terraform.tail import LogTail
from bot.adapters.terraform.var_files import set_by_files
from bot.adapters.terraform.warmth import LOCK_FILE
from bot.adapters.workspace.cleaning import remove
from bot.domain.core.errors import TerraformStoppedError, UnsafeTreeError
from bot.domain.hcl.text import HclValue
from bot.domain.state.operations import OPERATION_FILE
from bot.ports import CHANGES, OVERRIDE_FILE, PURPOSE_FILE, READS, TerraformJob
from bot.ports.tracing import Tracer

LARGEST_PLAN = 512 << 20
"""Bytes of a saved plan that is still copied; one of 1,000 resources has about 1 MiB."""


def _declare(module: Path, text: str) -> None:
    """Write the file that is declared for this plan alone.

    UnsafeTreeError if the tree has a file of that name.
    """
    place = module / OPERATION_FILE
    if os.path.lexists(place):
        raise UnsafeTreeError((f"`{OPERATION_FILE}`: this name is reserved for what Gatewright declares",))
    write_private(place, text)


class Session:
    """Prepared by `open`, left by `close`; in between it runs steps under one deadline."""

    def __init__(
        self,
        job: TerraformJob,
        program: Program,
        *,
        sandbox: Sandbox | None,
        limits: Limits,
        provider_mirror: Path | None,
        engine_copies: Path | None,
        tracer: Tracer,
    ) -> None:
        """`engine_copies` has the copies of the engine that a sandbox shows; None shows it directly."""
        self.job = job
        self.here = on_host(job.slot)
        self._program = program
        self._limits = limits
        self._copies = engine_copies if sandbox is not None else None
        self._tracer = tracer
        self._commands = StepCommands(
            job=job,
            program=program,
            sandbox=sandbox,
            provider_mirror=provider_mirror,
            memory_bytes=limits.memory_bytes,
        )
        self._argv = TerraformArgv([self._shown_part(part) for part in program.command])
        self._numbers = itertools.count(1)
        self._deadline = asyncio.get_running_loop().time() + job.timeout
        self._place = job.directory
        self.lock_file: str | None = None
        """Text of the provider lock file as init left it; None while there is none."""
        self.committed_lock_file: str | None = None
        """The same as the tree has it."""
        self.set_by_files: frozenset[str] = frozenset()
        """Names of the variables that var files set, those that Terraform loads automatically too."""

    @property
    def seen(self) -> Paths:
        """Return where the things of the job are for Terraform.

        Home and output are those of some step.
        """
        return self._commands.seen

    @property
    def module(self) -> Path:
        """Return the root module on this machine."""
        return self.here.tree / self.job.directory

    @property
    def backend(self) -> Mapping[str, HclValue]:
        """Return the backend's settings."""
        return state_backend.settings(self.job.backend, credentials=self.seen.credentials)

    @property
    def var_file(self) -> str | None:
        """Return the var file as Terraform sees it."""
        return None if self.job.var_file is None else str(self.seen.tree / self.job.var_file)

    @property
    def written(self) -> dict[str, str | None]:
        """Return path -> text of what this session and init have written into the tree."""
        texts: dict[str, str | None] = {OVERRIDE_FILE: state_backend.override_text(self.backend)}
        if self.job.declaration is not None:
            texts[OPERATION_FILE] = self.job.declaration
        if self.lock_file is not None:
            texts[LOCK_FILE] = self.lock_file
        return {os.path.normpath(f"{self._place}/{name}"): text for name, text in texts.items()}

    def open(self) -> None:
        """Write every file that the job needs besides the tree."""
        # Everything that was given is looked at, whichever step it is for.
        terraform_environment(self.job.environment, seen=self.seen, engine_directory=self._program.directory)
        module = root_module(self.here.tree, self.job.directory)
        # Known before code runs: the directory may be a link, and the code could change where it leads.
        self._place = str(module.resolve().relative_to(self.here.tree.resolve()))
        if self.job.var_file is not None:
            var_file(self.here.tree, self.job.var_file)
        scratch, commands = self.job.slot.scratch, self._commands
        steps = scratch / "steps"
        for directory in (self.here.data, self.here.box, scratch / "logs", steps, commands.accounts):
            make_private(directory)
        # Another session of the same job may have worked in the slot before; its steps are over.
        self._numbers = itertools.count(len(list(steps.iterdir())) + 1)
        if self._copies is not None and self._program.is_native:
            engine = Path(self._program.command[0])
            commands.engine_files[commands.shown(engine)] = unreadable_copy(engine, self._copies)
        write_accounts(commands.accounts)
        mirror = None if commands.provider_mirror is None else commands.shown(commands.provider_mirror)
        write_private(self.here.cli_config, cli_config(mirror))
        write_private(self.here.credentials, state_backend.credentials_text(self.job.backend))
        state_backend.write_override(module, state_backend.override_text(self.backend))
        self.committed_lock_file = read_regular(module / LOCK_FILE)
        self.set_by_files = frozenset(set_by_files(module, self.here.tree, self.job.var_file))
        if self.job.declaration is not None:
            _declare(module, self.job.declaration)

    def note_lock_file(self) -> None:
        """Keep the lock file outside of the tree, before any code of the tree runs; blocking."""
        self.lock_file = read_regular(self.module / LOCK_FILE)

    def hand_over(self, files: Mapping[str, str]) -> None:
        """Write texts to files for the next program; the variables name their paths."""
        for name, text in files.items():
            write_private(self.here.box / name.lower(), text)
            self._commands.handed_over[name] = self.here.box / name.lower()

    def close(self) -> None:
        """Remove the key pair and the files for the programs."""
        for path in (self.here.credentials, *self._commands.handed_over.values()):
            path.unlink(missing_ok=True)

    async def run(
        self,
        name: str,
        *positional: str,
        access: Access = CODE,
        captured: bool = False,
        changes: bool = False,
        reads_plan: Path | None = None,
        saves_plan: bool = False,
        own_time: float | None = None,
        options: Mapping[str, OptionValue],
    ) -> Step:
        """Run one subcommand to its end.

        `captured` keeps standard output apart and shows no lines. `changes` marks what may change the state: it
        gets the locks, outlives the bot and is left running on cancellation. `reads_plan` is a saved plan, given as
        the last argument; `saves_plan` has one saved for `copy_plan`. `own_time` in seconds frees an afterthought from
        the job's deadline and from requests to stop.
        """
        number = next(self._numbers)
        commands = self._commands
        sandboxed = commands.sandbox is not None
        plan = () if reads_plan is None else (str(INSIDE.plan_file if sandboxed else reads_plan),)
        out = {"out": str(commands.seen_by(commands.paths(number, access)).new_plan)} if saves_plan else {}
        argv = self._argv.build(name, *positional, *plan, no_color=FLAG, **out, **options)
        return await self._supervised(
            f"{self.job.engine.name} {name}",
            name,
            argv,
            number=number,
            access=access,
            captured=captured,
            changes=changes,
            reads_plan=reads_plan,
            own_time=own_time,
        )

    async def run_program(self, argv: Sequence[str]) -> Step:
        """Run another program where Terraform would run.

        It runs in the root module, in Terraform's environment and sandbox.
        """
        return await self._supervised(argv[0], "program", tuple(argv), number=next(self._numbers))

    def lay_bare(self) -> None:
        """Write the directory of the steps that do not see the tree.

        It holds the backend's file and the lock file alone. Blocking.
        """
        bare = self._commands.bare / self.job.directory
        make_private(bare)
        write_private(bare / OVERRIDE_FILE, state_backend.override_text(self.backend))
        (bare / LOCK_FILE).unlink(missing_ok=True)
        if self.lock_file is not None:
            write_private(bare / LOCK_FILE, self.lock_file)

    def errored_state(self) -> tuple[int, int] | None:
        """Return the identity of the errored state's file; blocking: run it in a thread."""
        status = untrusted.find(self.here.tree, os.path.normpath(f"{self._place}/errored.tfstate"))
        return None if status is None else (status.st_ino, status.st_mtime_ns)

    def copy_plan(self, step: Step) -> Path | None:
        """Copy the saved plan of a step out of the code's reach, None if there is none; blocking.

        Raises UnsafeTreeError if it is not a regular file.
        """
        copy = self.job.slot.scratch / PLAN_NAME
        remove(copy)
        digest = untrusted.copy_out(step.written, PLAN_NAME, copy, largest=LARGEST_PLAN)
        return None if digest is None else copy

    def drop_plan(self) -> None:
        """Remove the copy of a plan that is not to be used; blocking."""
        remove(self.job.slot.scratch / PLAN_NAME)

    async def _supervised(
        self,
        shown: str,
        name: str,
        argv: tuple[str, ...],
        *,
        number: int,
        access: Access = CODE,
        captured: bool = False,
        changes: bool = False,
        reads_plan: Path | None = None,
        own_time: float | None = None,
    ) -> Step:
        if own_time is None:
            await self._refuse_if_stopped(name)
        self._note_purpose(changes=changes)
        files = self._commands.files(number, name, access, captured=captured)
        _make_own(files.here)
        command = self._commands.command(argv, files, access=access, changes=changes, reads_plan=reads_plan)
        tail = LogTail(files.log, redact=self.job.redact, on_line=None if captured else self.job.on_line)
        supervision = Supervision(
            child=Child(command),
            tail=tail,
            stop=self.job.stop if own_time is None else None,
            deadline=self._deadline if own_time is None else asyncio.get_running_loop().time() + own_time,
            limits=self._limits,
            may_outlive=changes,
            answer=files.output if captured else None,
        )
        with self._tracer.span(shown, phase=name):
            ended = await supervision.until_ended()
        return Step(name=shown, ended=ended, tail=tail, output=files.output, written=files.here.output)

    def _note_purpose(self, *, changes: bool) -> None:
        """Record whether a state can have been lost in the slot.

        After a change the record stays.
        """
        note = self.job.slot.scratch / PURPOSE_FILE
        if changes or not note.exists():
            write_private(note, CHANGES if changes else READS)

    async def _refuse_if_stopped(self, name: str) -> None:
        if asyncio.get_running_loop().time() >= self._deadline:
            raise TerraformStoppedError(
                f"the time was over before {self.job.engine.name} {name} started", timed_out=True
            )
        who = await who_asks_to_stop(self.job.stop)
        if who is not None:
            raise TerraformStoppedError(
                f"stopped by {who} before {self.job.engine.name} {name} started", timed_out=False
            )

    def _shown_part(self, part: str) -> str:
        return str(self._commands.shown(Path(part))) if part.startswith("/") else part


def _make_own(here: Paths) -> None:
    """Make the directories of a step; without a sandbox an earlier one can have made them."""
    for directory in (here.home.parent, here.output.parent):
        remove(directory)
    for directory in (here.home, here.output):
        make_private(directory)
