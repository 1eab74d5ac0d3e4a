"""Build the command of a step, with or without a sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from bot.adapters.terraform.access import INIT, SHOW, Access
from bot.adapters.terraform.engine import Program
from bot.adapters.terraform.environment import for_init, for_other_steps, terraform_environment
from bot.adapters.terraform.paths import INSIDE, Paths, on_host, shown_inside
from bot.adapters.terraform.process import Command, dying_with_parent
from bot.adapters.terraform.sandbox import Enclosure, Sandbox
from bot.ports import TerraformJob


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFiles:
    """Where the files of one step are."""

    here: Paths
    log: Path
    output: Path
    """Standard output; the log where it is not captured."""
    info: Path
    """Output of the sandbox itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCommands:
    """Makes the commands of the steps of one job."""

    job: TerraformJob
    program: Program
    sandbox: Sandbox | None
    provider_mirror: Path | None
    memory_bytes: int
    engine_files: dict[Path, Path] = field(default_factory=dict)
    """Path inside -> copy of the engine that a sandbox shows there."""
    handed_over: dict[str, Path] = field(default_factory=dict)
    """Variable -> file whose path a program finds in it."""

    @property
    def seen(self) -> Paths:
        """Return where the things of the job are for Terraform.

        Home and output are those of some step.
        """
        return self.seen_by(on_host(self.job.slot))

    @property
    def accounts(self) -> Path:
        """Return the directory of the account files that a sandbox shows."""
        return self.job.slot.scratch / "accounts"

    @property
    def bare(self) -> Path:
        """Return the tree of the steps that do not see the checked-out one."""
        return self.job.slot.scratch / "bare"

    def files(self, number: int, name: str, access: Access, *, captured: bool) -> StepFiles:
        """Return where the files of a step are."""
        logs, stem = self.job.slot.scratch / "logs", f"{number:02d}-{name}"
        log = logs / f"{stem}.log"
        return StepFiles(
            here=self.paths(number, access),
            log=log,
            output=logs / f"{stem}.out" if captured else log,
            info=logs / f"{stem}.info",
        )

    def command(
        self,
        argv: tuple[str, ...],
        files: StepFiles,
        *,
        access: Access,
        changes: bool,
        reads_plan: Path | None,
    ) -> Command:
        """Return the command to start; `changes` inherits the locks and outlives the bot."""
        sandboxed = self.sandbox is not None
        return Command(
            argv=self._enclosed(argv, files.here, access=access, lives_on=changes, reads_plan=reads_plan),
            cwd=Path("/") if sandboxed else self._working_directory(access),
            environment=self._environment(self.seen_by(files.here), access),
            output=files.output,
            errors=None if files.output == files.log else files.log,
            info=files.info if sandboxed else None,
            keep_fds=self.job.keep_fds if changes else (),
        )

    def paths(self, number: int, access: Access) -> Paths:
        """Return the paths of a step on this machine."""
        own = on_host(self.job.slot, f"{number:02d}")
        # Code writes the path of its home into plans, so an apply must have the same. Two steps show a plan at once.
        return own if access is SHOW else replace(own, home=on_host(self.job.slot).home)

    def seen_by(self, here: Paths) -> Paths:
        """Return the paths as the step sees them."""
        return here if self.sandbox is None else INSIDE

    def shown(self, path: Path) -> Path:
        """Return where a step sees a file of the engine or of the provider mirror."""
        return path if self.sandbox is None else shown_inside(path)

    def _working_directory(self, access: Access) -> Path:
        return (on_host(self.job.slot).tree if access.tree else self.bare) / self.job.directory

    def _environment(self, seen: Paths, access: Access) -> dict[str, str]:
        engine = self.shown(self.program.directory)
        given = self._given(access)
        environment = terraform_environment(given, seen=seen, engine_directory=engine)
        return environment | {name: str(seen.box / path.name) for name, path in self.handed_over.items()}

    def _given(self, access: Access) -> Mapping[str, str]:
        """Return the variables of a step: `init` gets access to code, others to resources."""
        if access is INIT:
            return for_init(self.job.environment, self.job.init_environment)
        return for_other_steps(self.job.environment) if access.given else {}

    def _enclosed(
        self, argv: tuple[str, ...], here: Paths, *, access: Access, lives_on: bool, reads_plan: Path | None
    ) -> tuple[str, ...]:
        if self.sandbox is None:
            return argv if lives_on else dying_with_parent(argv)
        mirror = () if self.provider_mirror is None else (self.provider_mirror,)
        enclosure = Enclosure(
            tree=here.tree if access.tree else self.bare,
            tree_writable=access.tree and access.tree_writable,
            data=here.data,
            data_writable=access.data_writable,
            output=here.output,
            files=self._files_inside(here, access, reads_plan),
            accounts=self.accounts,
            read_only=(*self.program.files, *mirror),
            cwd=PurePath(INSIDE.tree / self.job.directory),
            network=access.network,
            dies_with_parent=not lives_on,
            memory=self.memory_bytes,
        )
        return self.sandbox.argv(argv, enclosure)

    def _files_inside(self, here: Paths, access: Access, reads_plan: Path | None) -> dict[Path, Path]:
        files: dict[Path, Path] = {**self.engine_files, INSIDE.cli_config: here.cli_config}
        if access.state:
            files[INSIDE.credentials] = here.credentials
        if reads_plan is not None:
            files[INSIDE.plan_file] = reads_plan
        return files | {INSIDE.box / path.name: path for path in self.handed_over.values()}
