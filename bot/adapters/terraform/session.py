"""One job: its files, its environment, and the Terraform commands that it runs one after the other."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from bot.adapters import untrusted
from bot.adapters.terraform import backend as state_backend
from bot.adapters.terraform.argv import FLAG, OptionValue, TerraformArgv
from bot.adapters.terraform.engine import Program
from bot.adapters.terraform.environment import cli_config, for_init, for_other_steps, terraform_environment
from bot.adapters.terraform.hcl import Value
from bot.adapters.terraform.paths import (
    INSIDE,
    PLAN_NAME,
    Paths,
    make_private,
    on_host,
    read_regular,
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
from bot.adapters.terraform.unreadable import unreadable_copy
from bot.adapters.terraform.var_files import set_by_files
from bot.adapters.terraform.warmth import LOCK_FILE
from bot.adapters.workspace.cleaning import remove
from bot.domain.errors import TerraformStoppedError, UnsafeTreeError
from bot.domain.state_operations import OPERATION_FILE
from bot.ports import CHANGES, OVERRIDE_FILE, PURPOSE_FILE, READS, TerraformJob
from bot.ports.tracing import Tracer

LARGEST_PLAN = 512 << 20
"""Bytes of a saved plan that is still copied; one of 1,000 resources has about 1 MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What one step may see and change."""

    tree: bool = True
    """Whether it works in the checked-out tree; otherwise in a directory with the backend's and the lock file alone."""
    tree_writable: bool = True
    data_writable: bool = False
    """Only init writes there; a plan could otherwise change the modules of later plans."""
    network: bool = True
    given: bool = True
    """Whether it gets the variables of the environment."""
    state: bool = True
    """Whether it gets the key pair of the state."""


CODE = Access()
"""Steps that run the code of the tree."""
LOOK = Access(tree_writable=False)
"""Steps that read the code of the tree, and start the providers that it names."""
INIT = Access(data_writable=True)
SHOW = Access(tree=False, network=False, given=False, state=False)
"""Showing a plan starts the providers that the code names, so they are given nothing that could be told or changed."""
OUTPUT = Access(tree=False, given=False)


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
        engine_copies: Path | None,
        tracer: Tracer,
    ) -> None:
        """`engine_copies` is where copies of the engine are kept that a sandbox shows instead; None shows it as it is."""
        self.job = job
        self.here = on_host(job.slot)
        self._program = program
        self._sandbox = sandbox
        self._limits = limits
        self._mirror = provider_mirror
        self._copies = engine_copies
        self._engine_files: dict[Path, Path] = {}
        self._tracer = tracer
        self._argv = TerraformArgv([self._shown_part(part) for part in program.command])
        self._logs = job.slot.scratch / "logs"
        self._steps = job.slot.scratch / "steps"
        self._accounts = job.slot.scratch / "accounts"
        self._bare = job.slot.scratch / "bare"
        self._handed_over: dict[str, Path] = {}
        self._numbers = itertools.count(1)
        self._deadline = asyncio.get_running_loop().time() + job.timeout
        self._place = job.directory
        self.lock_file: str | None = None
        """Text of the provider lock file as init left it; None while there is none."""
        self.committed_lock_file: str | None = None
        """The same as the tree has it."""
        self.set_by_files: frozenset[str] = frozenset()
        """Names of the variables that var files set, those that Terraform loads by itself too."""

    @property
    def seen(self) -> Paths:
        """Return where the things of the job are for Terraform; home and output are those of some step."""
        return self.here if self._sandbox is None else INSIDE

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
        for directory in (self.here.data, self.here.box, self._logs, self._steps, self._accounts):
            make_private(directory)
        # Another session of the same job may have worked in the slot before; its steps are over.
        self._numbers = itertools.count(len(list(self._steps.iterdir())) + 1)
        if self._copies is not None and self._sandbox is not None and self._program.is_native:
            engine = Path(self._program.command[0])
            self._engine_files = {self._shown(engine): unreadable_copy(engine, self._copies)}
        write_accounts(self._accounts)
        mirror = None if self._mirror is None else self._shown(self._mirror)
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
        """Write texts for the program that follows; the variable of each one's name tells where it is."""
        for name, text in files.items():
            write_private(self.here.box / name.lower(), text)
            self._handed_over[name] = self.here.box / name.lower()

    def close(self) -> None:
        """Remove the key pair, and what was handed over."""
        for path in (self.here.credentials, *self._handed_over.values()):
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
        plan = () if reads_plan is None else (str(reads_plan if self._sandbox is None else INSIDE.plan_file),)
        out = {"out": str(self._seen_by(self._paths(number, access)).new_plan)} if saves_plan else {}
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
        """Run another program where Terraform would run: in the root module, in its environment, behind its walls."""
        return await self._supervised(argv[0], "program", tuple(argv), number=next(self._numbers))

    def lay_bare(self) -> None:
        """Write the directory of the steps that do not see the tree: the backend's and the lock file alone; blocking."""
        bare = self._bare / self.job.directory
        make_private(bare)
        write_private(bare / OVERRIDE_FILE, state_backend.override_text(self.backend))
        (bare / LOCK_FILE).unlink(missing_ok=True)
        if self.lock_file is not None:
            write_private(bare / LOCK_FILE, self.lock_file)

    def errored_state(self) -> tuple[int, int] | None:
        """Return what tells a state that Terraform has just written from one that lay there before; blocking."""
        status = untrusted.find(self.here.tree, os.path.normpath(f"{self._place}/errored.tfstate"))
        return None if status is None else (status.st_ino, status.st_mtime_ns)

    def copy_plan(self, step: Step) -> Path | None:
        """Copy the plan that a step has saved out of its reach; blocking.

        None where it saved none. Raises UnsafeTreeError where something else lies there.
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
        here = self._paths(number, access)
        # Without a sandbox an earlier step can have made the directories of a later one.
        for directory in (here.home.parent, here.output.parent):
            remove(directory)
        for directory in (here.home, here.output):
            make_private(directory)
        stem = f"{number:02d}-{name}"
        log = self._logs / f"{stem}.log"
        output = self._logs / f"{stem}.out" if captured else log
        command = Command(
            argv=self._enclosed(argv, here, access=access, lives_on=changes, reads_plan=reads_plan),
            cwd=Path("/") if self._sandbox is not None else self._working_directory(access),
            environment=self._environment(self._seen_by(here), access),
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
            written=here.output,
        )

    def _paths(self, number: int, access: Access) -> Paths:
        own = on_host(self.job.slot, f"{number:02d}")
        # Code writes the path of its home into plans, so an apply must have the same. Two steps show a plan at once.
        return own if access is SHOW else replace(own, home=self.here.home)

    def _seen_by(self, here: Paths) -> Paths:
        return here if self._sandbox is None else INSIDE

    def _working_directory(self, access: Access) -> Path:
        return self.module if access.tree else self._bare / self.job.directory

    def _environment(self, seen: Paths, access: Access) -> dict[str, str]:
        engine = self._shown(self._program.directory)
        given = self._given(access)
        environment = terraform_environment(given, seen=seen, engine_directory=engine)
        return environment | {name: str(seen.box / path.name) for name, path in self._handed_over.items()}

    def _given(self, access: Access) -> Mapping[str, str]:
        """Return the variables of a step: init's lead to code, all others' to what the code manages."""
        if access is INIT:
            return for_init(self.job.environment, self.job.init_environment)
        return for_other_steps(self.job.environment) if access.given else {}

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

    def _enclosed(
        self, argv: tuple[str, ...], here: Paths, *, access: Access, lives_on: bool, reads_plan: Path | None
    ) -> tuple[str, ...]:
        if self._sandbox is None:
            return argv if lives_on else dying_with_parent(argv)
        files = {**self._engine_files, INSIDE.cli_config: here.cli_config}
        if access.state:
            files[INSIDE.credentials] = here.credentials
        if reads_plan is not None:
            files[INSIDE.plan_file] = reads_plan
        files |= {INSIDE.box / path.name: path for path in self._handed_over.values()}
        mirror = () if self._mirror is None else (self._mirror,)
        enclosure = Enclosure(
            tree=here.tree if access.tree else self._bare,
            tree_writable=access.tree and access.tree_writable,
            data=here.data,
            data_writable=access.data_writable,
            output=here.output,
            files=files,
            accounts=self._accounts,
            read_only=(*self._program.files, *mirror),
            cwd=PurePath(INSIDE.tree / self.job.directory),
            network=access.network,
            dies_with_parent=not lives_on,
            memory=self._limits.memory_bytes,
        )
        return self._sandbox.argv(argv, enclosure)
