"""Executing a plan run: from a commit to a stored plan, as one repeatable step."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.domain.errors import (
    GatewrightError,
    TerraformStoppedError,
)
from bot.domain.model import (
    FailureClass,
    PlanStatus,
    PullRequest,
    Repo,
    Run,
    RunId,
    RunKind,
    RunStatus,
    Stack,
    StateIdentity,
)
from bot.domain.plan import PlanRecord, PlanSummary
from bot.domain.plan_json import summarise
from bot.domain.redaction import Redactor
from bot.domain.revert import Revert
from bot.domain.sensitive import sensitive_values
from bot.domain.state_operations import block
from bot.policy import RepoPolicy
from bot.ports import (
    Cipher,
    Clock,
    GitHub,
    ObjectStore,
    PlanOutput,
    Records,
    Slot,
    Terraform,
    TerraformJob,
    Workspace,
)
from bot.services.beginnings import begin
from bot.services.failures import describe, status_of
from bot.services.ids import new_plan_id
from bot.services.jobs import Credentials, Limits, RunLogs, StopOnRequest, bounded
from bot.services.known_secrets import known_secrets
from bot.services.plan_operations import hints, refuse_others
from bot.services.plan_records import Planned, Subject, counts_line, plan_record, plan_sha256
from bot.services.policies import LoadedPolicy, Policies
from bot.services.releasing import InPlace, Made, Sources, is_release_as_it_stands, release_of
from bot.services.stacks import Trees
from bot.services.states import States
from bot.services.stopwatch import Stopwatch, together
from bot.services.verifying import queue_verification


class SupersededError(GatewrightError):
    """The pull request moved on while the run was waiting; nothing has to be planned any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """Makes and stores plans."""

    records: Records
    github: GitHub
    workspace: Workspace
    terraform: Terraform
    artifacts: ObjectStore
    cipher: Cipher
    clock: Clock
    policies: Policies
    trees: Trees
    states: States
    sources: Sources
    credentials: Credentials
    logs: RunLogs
    limits: Limits

    async def execute(self, run_id: RunId) -> None:
        """Plan, and record how it ended. Raises only what is passing, so that the step is tried again."""
        run = await begin(self.records, run_id, self.clock, why="checking out")
        if run is None:
            return
        watch, notes = Stopwatch(), dict[str, Any]()
        try:
            record, found = await self._plan(run, watch, notes)
        except SupersededError as error:
            await self.end(run, RunStatus.CANCELED, FailureClass.CANCELED, str(error), {"superseded": True})
        except GatewrightError as error:
            if error.passing:
                raise
            detail = {**describe(error), **hints(run, error), **notes}
            await self.end(run, status_of(error), error.failure_class, _first_line(error), detail)
        else:
            await self.store(run, record, found, {"seconds": watch.seconds, **notes})

    async def _plan(
        self, run: Run, watch: Stopwatch, notes: dict[str, Any]
    ) -> tuple[PlanRecord, InPlace | None]:
        """Plan; `notes` are kept with the run however it ends."""
        subject = await self._subject(run, watch)
        key = subject.stack.state_key
        async with (
            self.workspace.state_lock(key, exclusive=False),
            self.workspace.slot(subject.stack) as slot,
        ):
            checkout = self.workspace.checkout(subject.repo, slot, subject.tree.merge.tree)
            _, (identity, _) = await together(checkout, self.states.read(key))
            await self.running(run)
            watch.lap("checkout")
            redactor = await known_secrets(
                self.workspace, self.credentials, subject.repo, subject.stack, subject.tree
            )
            job = self.job(run, subject.stack, subject.loaded.policy, slot, redactor)
            if run.operation is not None:
                job = replace(job, declaration=block(run.operation))
            checks = subject.loaded.policy.environment(subject.stack.env).code_checks
            if checks and run.kind is RunKind.PLAN and run.operation is None:
                notes["code"] = (await self.terraform.check_code(job, checks)).as_detail()
                watch.lap("code")
            output = await self.terraform.plan(job, run.arguments)
            watch.inside(output.seconds)
            refuse_others(run, output)
            planned = await self.keep(run, job, redactor, output, identity)
            record = plan_record(subject, planned, self.clock.now())
            found = await self.in_place(run, subject.loaded.policy, record, planned, slot=slot, output=output)
            watch.lap("summarise and store")
        watch.lap("release")
        return record, found

    async def keep(
        self,
        run: Run,
        job: TerraformJob,
        redactor: Redactor,
        output: PlanOutput,
        identity: StateIdentity,
    ) -> Planned:
        """Summarise and store what Terraform has planned against a state."""
        plan_id = new_plan_id()
        bundle_key = f"plans/{run.stack.repo}/{plan_id}"
        # The log ends with the plan's text, so it is stored after the summary, but beside the rest.
        secrets = await asyncio.to_thread(sensitive_values, output.json)
        (summary, log_key), sha256 = await together(
            self._summarise(run, output, redactor, secrets), self._keep(bundle_key, job.slot, output, secrets)
        )
        return Planned(
            id=plan_id,
            slot_name=job.slot.name,
            identity=identity,
            summary=summary,
            plan_sha256=sha256,
            bundle_key=bundle_key,
            log_key=log_key,
        )

    async def in_place(
        self,
        run: Run,
        policy: RepoPolicy,
        record: PlanRecord,
        planned: Planned,
        *,
        slot: Slot,
        output: PlanOutput,
    ) -> InPlace | None:
        """Return the release that a plan without changes has found in place."""
        if not is_release_as_it_stands(record, policy):
            return None
        made = Made(
            run=run,
            source=await self.sources.keep(slot),
            state=planned.identity,
            outputs=output.json.get("planned_values", {}).get("outputs", {}),
            changed=False,
        )
        release = release_of(record, made, record.created_at)
        return InPlace(release=release, policy=policy)

    async def for_sync(self, run: Run) -> PlanRecord:
        """Plan the base's tip for a run that goes on afterwards, and record the plan with it."""
        record, found = await self._plan(run, Stopwatch(), {})
        async with self.records.write() as writer:
            await writer.add_plan(record)
            if found is not None:
                # Its verification follows at the end of the run, as that of an apply does.
                await writer.add_release(found.release)
            await writer.move_run(
                run.id,
                RunStatus.RUNNING,
                at=self.clock.now(),
                actor="gatewright",
                why="comparing with what was reviewed",
                plan_id=record.id,
            )
        return record

    async def _subject(self, run: Run, watch: Stopwatch) -> Subject:
        known = await self.github.known_repository(run.stack.repo)
        (repo, pull), early = await together(self._current_pull(run), self._early_policy(known))
        loaded = early if early is not None and repo == known else await self.policies.load(repo)
        stack = loaded.policy.stack(repo.full_name, run.stack.env, run.stack.project, pull=pull.number)
        base = (
            loaded.commit
            if pull.base_ref == repo.default_branch
            else await self.github.branch_head(repo, pull.base_ref)
        )
        watch.lap("github")
        if run.kind is RunKind.SYNC:
            pull = replace(pull, head_sha=base)
        tree = await self.trees.merged(repo, pull, base=base, head=pull.head_sha)
        watch.lap("merge")
        return Subject(run=run, repo=repo, pull=pull, loaded=loaded, stack=stack, base=base, tree=tree)

    async def _early_policy(self, known: Repo) -> LoadedPolicy | None:
        """Return the policy of a repository as it was read last; None where that may be why it cannot be read."""
        try:
            return await self.policies.load(known)
        except GatewrightError:
            return None

    async def _current_pull(self, run: Run) -> tuple[Repo, PullRequest]:
        if run.pull is None:
            raise GatewrightError("a plan run needs a pull request")
        repo, pull = await self.github.subject(run.stack.repo, run.pull)
        if run.kind is RunKind.SYNC:
            return repo, pull
        if not pull.is_open:
            raise SupersededError("The pull request was closed.")
        if pull.head_sha != run.head_sha:
            raise SupersededError(f"A newer commit, {pull.head_sha[:7]}, took its place.")
        if pull.is_fork:
            async with self.records.read() as reader:
                if not await reader.is_allowed(repo.full_name, pull.number, pull.head_sha):
                    raise SupersededError("The commit is a fork's, and no maintainer has allowed it.")
        return repo, pull

    async def running(self, run: Run) -> None:
        """Record that Terraform is about to start. Raises TerraformStoppedError where somebody has canceled it."""
        async with self.records.write() as writer:
            now = await writer.run(run.id)
            if now is not None and now.cancel_requested_by is not None:
                raise TerraformStoppedError(f"Canceled by {now.cancel_requested_by}.", timed_out=False)
            await writer.move_run(
                run.id, RunStatus.RUNNING, at=self.clock.now(), actor="gatewright", why="terraform plan"
            )

    def job(self, run: Run, stack: Stack, policy: RepoPolicy, slot: Slot, redactor: Redactor) -> TerraformJob:
        """Return what Terraform is given to plan a stack in a slot."""
        return TerraformJob(
            slot=slot,
            directory=stack.directory,
            var_file=stack.var_file,
            engine=policy.engine,
            backend=self.credentials.backend(stack, purpose="plan"),
            environment=self.credentials.environment(stack.env, purpose="plan"),
            redact=redactor,
            timeout=bounded(self.limits.plan_timeout, policy.timeouts.plan),
            on_line=self.logs.open(run.id).write,
            stop=StopOnRequest(records=self.records, run_id=run.id),
        )

    async def _summarise(
        self, run: Run, output: PlanOutput, redactor: Redactor, secrets: set[str]
    ) -> tuple[PlanSummary, str]:
        """Return the summary, and the key of the log, which ends with it."""
        summary = await asyncio.to_thread(
            summarise,
            output.json,
            output.text,
            arguments=run.arguments,
            warnings=output.warnings,
            redact=redactor,
            secrets=secrets,
        )
        # Terraform prints the plan while it is made, before anybody knows which of its values are secret.
        await self.logs.cleanse(run.id, redactor.with_more(secrets))
        self.logs.open(run.id).write(summary.text)
        return summary, await self.logs.store(run.id)

    async def _keep(self, key: str, slot: Slot, output: PlanOutput, secrets: set[str]) -> str:
        """Store the plan file and the slot; returns the plan file's SHA-256."""
        plan_file = await asyncio.to_thread(output.plan_file.read_bytes)
        known = json.dumps(sorted(secrets)).encode()
        files = together(self._seal(f"{key}/plan", plan_file), self._seal(f"{key}/secrets", known))
        await together(files, self._keep_slot(f"{key}/work", slot))
        return plan_sha256(plan_file)

    async def _keep_slot(self, key: str, slot: Slot) -> None:
        await self._seal(key, await self.workspace.pack(slot))

    async def _seal(self, key: str, data: bytes) -> None:
        sealed = await asyncio.to_thread(self.cipher.seal, data, context=key)
        await self.artifacts.put(key, sealed, create_only=True)

    async def store(
        self,
        run: Run,
        record: PlanRecord,
        found: InPlace | None,
        detail: Mapping[str, Any],
        *,
        revert: Revert | None = None,
    ) -> None:
        """Record a plan, with the revert that it is of; older ones of the same kind are replaced by it."""
        async with self.records.write() as writer:
            if not await writer.set_result(run.id, summary=counts_line(record), detail=detail):
                return
            for older in await writer.plan_outlines(
                repo=run.stack.repo,
                pull=run.pull,
                stack=run.stack,
                statuses=(PlanStatus.PLANNED, PlanStatus.NO_CHANGES),
            ):
                if older.lane is record.lane:
                    await writer.set_plan_status(older.id, PlanStatus.STALE, f"replaced by {record.id}")
            await writer.add_plan(record)
            if revert is not None:
                await writer.set_revert(replace(revert, plan_id=record.id))
            if found is not None:
                await writer.add_release(found.release)
                await queue_verification(writer, run, found.release, found.policy, self.clock.now())
            await writer.move_run(
                run.id,
                RunStatus.SUCCEEDED,
                at=self.clock.now(),
                actor="gatewright",
                why="plan stored",
                plan_id=record.id,
            )

    async def end(
        self, run: Run, status: RunStatus, failure: FailureClass, summary: str, detail: Mapping[str, Any]
    ) -> None:
        """Record that there is no plan, and why."""
        self.logs.open(run.id).write(summary)
        await self.logs.store(run.id)
        async with self.records.write() as writer:
            await writer.set_result(run.id, summary=summary, detail=detail)
            await writer.move_run(
                run.id, status, at=self.clock.now(), actor="gatewright", why=summary, failure_class=failure
            )


def _first_line(error: GatewrightError) -> str:
    return (str(error).split("\n", 1)[0] or type(error).__name__)[:500]
