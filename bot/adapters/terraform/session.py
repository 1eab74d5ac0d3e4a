"""One job: its files, its environment, and the Terraform commands that it runs one after the other."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.adapters.terraform import backend as state_backend
from bot.adapters.terraform.argv import FLAG, OptionValue, TerraformArgv
from bot.adapters.terraform.engine import Program
from bot.adapters.terraform.environment import cli_config, for_init, for_other_steps, terraform_environment
from bot.adapters.terraform.hcl import Value
from bot.adapters.terraform.paths import (
    INSIDE,
    PRIVATE_DIRECTORY,
    on_host,
    root_module,
    shown_inside,
    var_file,
    write_private,
)
from bot.adapters.terraform.process import Child, Command, dying_with_parent
from bot.adapters.terraform.sandbox import Enclosure, Sandbox, write_accounts
from bot.adapters.terraform.step import Step
from bot.adapters.terraform.supervision import Limits, Supervision, who_asks_to_stop
from bot.adapters.terraform.tail import LogTail
from bot.domain.errors import TerraformStoppedError, UnsafeTreeError
from bot.domain.state_operations import OPERATION_FILE
from bot.ports import CHANGES, PURPOSE_FILE, READS, TerraformJob
from bot.ports.tracing import Tracer


def _declare(module: Path, text: str) -> None:
    """Write what is declared for this plan alone; UnsafeTreeError where the tree has a file of that name."""
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
        tracer: Tracer,
    ) -> None:
        self.job = job
        self.here = on_host(job.slot)
        self.seen = self.here if sandbox is None else INSIDE
        self._program = program
        self._sandbox = sandbox
        self._limits = limits
        self._mirror = provider_mirror
        self._tracer = tracer
        self._argv = TerraformArgv([self._shown_part(part) for part in program.command])
        self._logs = job.slot.scratch / "logs"
        self._accounts = job.slot.scratch / "accounts"
        self._handed_over: list[Path] = []
        self._numbers = itertools.count(1)
        self._deadline = asyncio.get_running_loop().time() + job.timeout
        directory = self._shown(program.directory)
        # Everything that was given is looked at, whichever step it is for.
        terraform_environment(job.environment, seen=self.seen, engine_directory=directory)
        self._environment = terraform_environment(
            for_other_steps(job.environment), seen=self.seen, engine_directory=directory
        )
        self._init_environment = terraform_environment(
            for_init(job.environment, job.init_environment), seen=self.seen, engine_directory=directory
        )

    @property
    def module(self) -> Path:
        """Return the root module on this machine."""
        return self.here.tree / self.job.directory

    @property
    def backend(self) -> Mapping[str, Value]:
        """Return the backend's settings."""
        return state_backend.settings(self.job.backend, credentials=self.seen.credentials)

    @property
    def var_file(self) -> str | None:
        """Return the var file as Terraform sees it."""
        return None if self.job.var_file is None else str(self.seen.tree / self.job.var_file)

    def open(self) -> None:
        """Write every file that the job needs besides the tree."""
        module = root_module(self.here.tree, self.job.directory)
        if self.job.var_file is not None:
            var_file(self.here.tree, self.job.var_file)
        for directory in (self.here.data, self.here.box, self.here.home, self._logs, self._accounts):
            directory.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        write_accounts(self._accounts)
        mirror = None if self._mirror is None else self._shown(self._mirror)
        write_private(self.here.cli_config, cli_config(mirror))
        write_private(self.here.credentials, state_backend.credentials_text(self.job.backend))
        state_backend.write_override(module, state_backend.override_text(self.backend))
        if self.job.declaration is not None:
            _declare(module, self.job.declaration)

    def hand_over(self, files: Mapping[str, str]) -> None:
        """Write texts for the program that follows; the variable of each one's name tells where it is."""
        for name, text in files.items():
            write_private(self.here.box / name.lower(), text)
            self._environment[name] = str(self.seen.box / name.lower())
            self._handed_over.append(self.here.box / name.lower())

    def close(self) -> None:
        """Remove the key pair, and what was handed over."""
        for path in (self.here.credentials, *self._handed_over):
            path.unlink(missing_ok=True)

    async def run(
        self,
        name: str,
        *positional: str,
        captured: bool = False,
        changes: bool = False,
        data_writable: bool = False,
        own_time: float | None = None,
        options: Mapping[str, OptionValue],
    ) -> Step:
        """Run one subcommand to its end.

        `captured` keeps standard output apart and shows no lines. `changes` marks what may change the state: it
        gets the locks, outlives the bot and is left running on cancellation. `own_time` in seconds frees an
        afterthought from the job's deadline and from requests to stop.
        """
        argv = self._argv.build(name, *positional, no_color=FLAG, **options)
        return await self._supervised(
            f"{self.job.engine.name} {name}",
            name,
            argv,
            captured=captured,
            changes=changes,
            data_writable=data_writable,
            own_time=own_time,
        )

    async def run_program(self, argv: Sequence[str]) -> Step:
        """Run another program where Terraform would run: in the root module, in its environment, behind its walls."""
        return await self._supervised(argv[0], "program", tuple(argv))

    async def _supervised(
        self,
        shown: str,
        name: str,
        argv: tuple[str, ...],
        *,
        captured: bool = False,
        changes: bool = False,
        data_writable: bool = False,
        own_time: float | None = None,
    ) -> Step:
        if own_time is None:
            await self._refuse_if_stopped(name)
        self._note_purpose(changes=changes)
        stem = f"{next(self._numbers):02d}-{name}"
        log = self._logs / f"{stem}.log"
        output = self._logs / f"{stem}.out" if captured else log
        command = Command(
            argv=self._enclosed(argv, lives_on=changes, data_writable=data_writable),
            cwd=self.module if self._sandbox is None else Path("/"),
            environment=self._init_environment if name == "init" else self._environment,
            output=output,
            errors=log if captured else None,
            info=None if self._sandbox is None else self._logs / f"{stem}.info",
            keep_fds=self.job.keep_fds if changes else (),
        )
        tail = LogTail(log, redact=self.job.redact, on_line=None if captured else self.job.on_line)
        supervision = Supervision(
            child=Child(command),
            tail=tail,
            stop=self.job.stop if own_time is None else None,
            deadline=self._deadline if own_time is None else asyncio.get_running_loop().time() + own_time,
            limits=self._limits,
            may_outlive=changes,
            answer=output if captured else None,
        )
        with self._tracer.span(shown, phase=name):
            ended = await supervision.until_ended()
        return Step(
            name=shown,
            ended=ended,
            tail=tail,
            output=output,
        )

    def _note_purpose(self, *, changes: bool) -> None:
        """Tell whoever tidies up whether a state can have been lost here; after a change nothing takes that back."""
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

    def _shown(self, path: Path) -> Path:
        return path if self._sandbox is None else shown_inside(path)

    def _shown_part(self, part: str) -> str:
        return str(self._shown(Path(part))) if part.startswith("/") else part

    def _enclosed(self, argv: tuple[str, ...], *, lives_on: bool, data_writable: bool) -> tuple[str, ...]:
        if self._sandbox is None:
            return argv if lives_on else dying_with_parent(argv)
        mirror = () if self._mirror is None else (self._mirror,)
        enclosure = Enclosure(
            paths=self.here,
            accounts=self._accounts,
            read_only=(*self._program.files, *mirror),
            cwd=self.seen.tree / self.job.directory,
            data_writable=data_writable,
            dies_with_parent=not lives_on,
        )
        return self._sandbox.argv(argv, enclosure)
