"""Plan a revert: an older release's source against the current state.

The plan is one repeatable step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from bot.domain.core.errors import GatewrightError, ObjectMissingError, TerraformError
from bot.domain.core.model import Repo, Run, RunKind, RunStatus, Stack
from bot.domain.hcl.provisioners import destroy_provisioners
from bot.domain.plans.plan import PlanRecord
from bot.domain.releases.release import Release
from bot.domain.releases.revert import Revert
from bot.domain.secrets.redaction import Redactor
from bot.ports import LaidOut, LeftBehind, PlanOutput, Reader, Records, SourceBundle, TerraformJob
from bot.ports.sources import History
from bot.services.planning.plan_records import Origin, Planned, record_of
from bot.services.planning.planning import Planning
from bot.services.planning.release_sources import ReleaseSources
from bot.services.reverting.checks import differing
from bot.services.reverting.providers import LOCK_FILE, refuse_missing_providers, refuse_other_providers
from bot.services.runs.incomplete_changes import unfinished_change
from bot.services.runs.new_runs import queue_run
from bot.services.runs.plan_inputs import checked_inputs
from bot.services.runs.run_execution import execute
from bot.services.runs.stopwatch import Stopwatch
from bot.services.runs.tree_runs import plan_tree
from bot.services.stacks.plannable import refuse_unplannable_files
from bot.services.stacks.policies import LoadedPolicy
from bot.services.stacks.releases import InPlace, Sources
from bot.services.verification.verifying import verify_run

_MOST_COMMITS: Final = 20
_MOST_RUNS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """Inputs of a revert's plan."""

    run: Run
    revert: Revert
    repo: Repo
    loaded: LoadedPolicy
    stack: Stack
    target: Release
    bundle: bytes
    texts: Mapping[str, str]
    """File name -> text of the root module of the bundle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertPlanning:
    """Makes and stores the plans of reverts."""

    records: Records
    planning: Planning
    sources: Sources
    releases: ReleaseSources
    history: History

    async def execute(self, revert: Revert) -> None:
        """Plan, and record how it ended.

        Raises only temporary errors, so that the step is retried.
        """

        async def plan(run: Run) -> None:
            watch = Stopwatch()
            ground = await self._ground(run, revert)
            record, found = await self._plan(ground, watch)
            noted = await self._completed(ground, found, replace(revert, notes=await self._notes(ground)))
            await self.planning.keeping.store(run, record, found, {"seconds": watch.seconds}, revert=noted)
            if found is not None and noted.finished_at is not None:
                await self._verify(run, found)

        await execute(self.planning.completion, revert.run_id, plan, why="reading the release")

    async def _ground(self, run: Run, revert: Revert) -> _Ground:
        repo = await self.planning.github.repository(run.stack.repo)
        loaded = await self.planning.policies.load(repo)
        stack = loaded.policy.stack(repo.full_name, run.stack.env, run.stack.project, pull=run.pull)
        async with self.records.read() as reader:
            target = await reader.release(revert.target)
        if target is None:
            raise GatewrightError(f"Release {revert.target} is not on record.")
        bundle = await self.releases.reviewed(repo, loaded.policy, stack, target)
        files = await self.history.bundle_tree(bundle)
        await refuse_unplannable_files(files, loaded.policy, stack, release=target.plan_id)
        texts = await self.history.bundle_texts(bundle, stack.directory)
        return _Ground(
            run=run,
            revert=revert,
            repo=repo,
            loaded=loaded,
            stack=stack,
            target=target,
            bundle=bundle,
            texts=texts,
        )

    async def _plan(self, ground: _Ground, watch: Stopwatch) -> tuple[PlanRecord, InPlace | None]:
        planning, key = self.planning, ground.stack.state_key
        redactor = await self._redactor(ground)
        await planning.owners.claim(ground.stack)
        await planning.existing.of_bundle(ground.stack, ground.loaded.policy.engine.name, ground.bundle)
        async with (
            planning.workspace.state_lock(key, exclusive=False),
            planning.workspace.slot(ground.stack) as slot,
        ):
            reviewed = SourceBundle(data=ground.bundle)
            laid = await planning.workspace.lay_out(slot, reviewed)
            identity, state = await planning.states.read(key)
            await planning.running(ground.run)
            watch.lap("source")
            job = await planning.jobs.build(
                ground.run, ground.stack, ground.loaded.policy, slot, redactor, purpose="plan"
            )
            output, left = await self._output(ground, job, reviewed, laid, state)
            watch.inside(output.seconds)
            planned = await planning.keeping.keep(
                ground.run, job, redactor, output, identity, reviewed=reviewed, left=left
            )
            record = self._record(ground, planned)
            # An interrupted revert may have completed: then the release is already in place.
            found = await planning.keeping.in_place(
                ground.run, ground.loaded.policy, record, planned, output=output
            )
            watch.lap("summarise and store")
        return record, found

    async def _output(
        self,
        ground: _Ground,
        job: TerraformJob,
        reviewed: SourceBundle,
        laid: LaidOut,
        state: bytes | None,
    ) -> tuple[PlanOutput, LeftBehind]:
        release, kept = ground.target.plan_id, ground.texts.get(LOCK_FILE)
        try:
            planning = self.planning
            output, left = await plan_tree(
                planning.workspace, planning.terraform, job, reviewed, laid, state=state
            )
        except TerraformError as error:
            refuse_missing_providers(release, kept=kept, error=error)
            raise
        refuse_other_providers(release, kept=kept, now=output.lock_file)
        return output, left

    async def _redactor(self, ground: _Ground) -> Redactor:
        credentials, env = self.planning.credentials, ground.stack.env
        inputs = await checked_inputs(credentials, ground.stack, ground.loaded.policy.engine, ground.texts)
        return credentials.redactor(env).with_more(inputs.secrets)

    def _record(self, ground: _Ground, planned: Planned) -> PlanRecord:
        target = ground.target
        origin = Origin(
            head_sha=target.head_sha,
            base_sha=target.base_sha,
            merge_tree=target.merge_tree,
            inputs_digest=target.inputs_digest,
            var_file_digest=target.var_file_digest,
        )
        record = record_of(
            ground.run,
            ground.stack,
            ground.loaded.policy,
            planned,
            origin=origin,
            pull=ground.run.pull,
            now=self.planning.clock.now(),
        )
        return replace(record, reverts_to=target.plan_id)

    async def _completed(self, ground: _Ground, found: InPlace | None, noted: Revert) -> Revert:
        """Record the end of an interrupted revert that this plan found to be complete."""
        if found is None:
            return noted
        async with self.records.read() as reader:
            releases = await reader.releases(ground.stack, limit=1)
            begun = await unfinished_change(reader, ground.stack, releases)
        if begun is None or begun.revert_to != noted.target:
            return noted
        seen = {"replan": "empty", "outputs": differing(found.release, ground.target)}
        return replace(noted, finished_at=self.planning.clock.now(), found=seen)

    async def _verify(self, run: Run, found: InPlace) -> None:
        """Queue a verification of the result of an interrupted revert."""
        now = self.planning.clock.now()
        async with self.records.write() as writer:
            new = verify_run(run, found.release, dedupe=f"verify:{run.id}", now=now)
            await queue_run(writer, new, now)

    async def _notes(self, ground: _Ground) -> dict[str, Any]:
        """Return the notes of the comment; no error in them prevents the plan."""
        async with self.records.read() as reader:
            undone = [await reader.release(plan_id) for plan_id in ground.revert.undone]
            operations = await _operations_since(reader, ground.target)
        newest = next((release for release in undone if release is not None), None)
        if newest is None:
            return {"commits": [], "more": 0, "provisioners": [], "operations": operations}
        target = ground.target
        commits = await self.history.commits(
            ground.repo,
            newer=(newest.head_sha, newest.base_sha),
            older=(target.head_sha, target.base_sha),
        )
        shown = None if commits is None else [[each.sha, each.subject] for each in commits[:_MOST_COMMITS]]
        return {
            "commits": shown,
            "more": max(0, len(commits or ()) - _MOST_COMMITS),
            "provisioners": sorted(await self._lost_provisioners(ground, newest)),
            "operations": operations,
        }

    async def _lost_provisioners(self, ground: _Ground, newest: Release) -> frozenset[str]:
        """Return what does something when it is destroyed, in the newer code only.

        The older cannot do it.
        """
        try:
            bundle = await self.sources.fetch(newest)
        except ObjectMissingError:
            return frozenset()
        newer = await self.history.bundle_texts(bundle, newest.stack.directory)
        return destroy_provisioners(_code(newer)) - destroy_provisioners(_code(ground.texts))


async def _operations_since(reader: Reader, target: Release) -> list[list[str]]:
    """Return kind and address of imports and removals after a release, newest first."""
    runs = await reader.runs(
        state_key=target.stack.state_key,
        kinds=(RunKind.APPLY,),
        statuses=(RunStatus.SUCCEEDED,),
        limit=_MOST_RUNS,
    )
    later = (run for run in runs if run.finished_at is not None and run.finished_at > target.recorded_at)
    return [[str(run.operation.kind), run.operation.address] for run in later if run.operation is not None]


def _code(texts: Mapping[str, str]) -> list[str]:
    return [text for name, text in texts.items() if name.endswith(".tf")]
