"""Real repositories, real slots and a real engine: trees are laid out, planned and applied as services do it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bot.adapters.terraform import Sandbox, TerraformCli
from bot.adapters.workspace import GitWorkspace
from bot.ports import ApplyOutput, GitTree, LeftBehind, PlanOutput, Slot, SourceBundle
from bot.services.runs.tree_runs import plan_tree
from tests.fakes.clock import HandClock
from tests.integration.terraform.bench import Bench
from tests.integration.terraform.conftest import SHORT
from tests.integration.workspace.origin import REPO, STACK, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, what it left, and the tree that it was made of."""

    output: PlanOutput
    left: LeftBehind
    work: bytes
    """The reviewed tree as it is stored with the plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """One stack of one repository."""

    bench: Bench
    """Its jobs; its own slot is not used."""
    workspace: GitWorkspace
    origin: Origin

    @classmethod
    async def create(cls, root: Path, endpoint_url: str, terraform: TerraformCli) -> Ground:
        """Make an empty repository, and a machine that has never seen it."""
        path = root / "origin" / REPO.owner / f"{REPO.name}.git"
        path.mkdir(parents=True)
        workspace = GitWorkspace(
            data_dir=root / "machine",
            github_url=f"file://{root}/origin",
            clock=HandClock(),
            slots_per_stack=1,
            allow_file_origin=True,
        )
        bench = Bench(root=root / "unused", endpoint_url=endpoint_url, terraform=terraform)
        return cls(bench=bench, workspace=workspace, origin=await Origin.create(path))

    async def reviewed(self, files: Mapping[str, str]) -> GitTree:
        """Commit files, and fetch them."""
        commit = await self.origin.commit(files)
        await self.workspace.fetch(REPO, "", [commit])
        return GitTree(repo=REPO, tree=commit)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[Slot]:
        """Hold the one slot of the stack for a run."""
        async with self.workspace.slot(STACK) as held:
            yield held

    async def plan(self, slot: Slot, reviewed: GitTree, **changes: Any) -> Planned:
        """Plan as a run does."""
        laid = await self.workspace.lay_out(slot, reviewed)
        job = self.bench.job(slot=slot, **changes)
        output, left = await plan_tree(self.workspace, self.bench.terraform, job, reviewed, laid)
        lock = {} if output.lock_file is None else {"terraform/.terraform.lock.hcl": output.lock_file}
        return Planned(output=output, left=left, work=await self.workspace.pack(reviewed, extra=lock))

    async def plan_alone(self, files: Mapping[str, str], **changes: Any) -> Planned:
        """Plan these files in a run of its own."""
        reviewed = await self.reviewed(files)
        async with self.slot() as slot:
            return await self.plan(slot, reviewed, **changes)

    async def apply(self, slot: Slot, planned: Planned, plan_file: Path) -> ApplyOutput:
        """Apply as a run does."""
        await self.workspace.lay_out(slot, SourceBundle(data=planned.work))
        job = self.bench.job(slot=slot, dies_with_parent=False)
        return await self.bench.terraform.apply(
            job, plan_file, planned.output.code, before_start=partial(self._add, slot, planned.left)
        )

    async def _add(self, slot: Slot, left: LeftBehind) -> None:
        if left.bundle is not None:
            await self.workspace.add(slot, left.bundle)


def engine(directory: Path, script: str, *, sandbox: bool = True, shown: Sequence[Path] = ()) -> TerraformCli:
    """Return an engine that runs a shell script in every step; `exec terraform "$@"` in it is the real one.

    With a sandbox it lies there too, and so does whatever the script does.
    """
    program = directory / "engine" / "terraform"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nif [ "$1" = version ]; then exec terraform "$@"; fi\n{script}\n')
    program.chmod(0o700)
    return TerraformCli(
        binary=[str(program)],
        limits=SHORT,
        sandbox=Sandbox(read_only=tuple(shown)) if sandbox else None,
    )
