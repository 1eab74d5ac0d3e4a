"""Verifying releases.

The checks after an apply, and what follows from them for the next environment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.core.accounts import SELF
from bot.domain.core.errors import GatewrightError, TerraformStoppedError
from bot.domain.core.model import FailureClass, Run, RunId, RunKind, RunStatus, StateIdentity
from bot.domain.core.outcome import Outcome, worst
from bot.domain.core.run_lifecycle import TERMINAL
from bot.domain.releases.release import CheckResult, Release, Verification
from bot.domain.secrets.redaction import Redactor
from bot.domain.secrets.sensitive import scalars
from bot.domain.state.facts import StateFacts, state_facts
from bot.policy import RepoPolicy
from bot.policy.verify import VerifyCheck
from bot.ports import Clock, GitHub, NewRun, Records, SourceBundle, Terraform, Workspace, Writer
from bot.ports.probes import Probes
from bot.ports.records.releases import ReleaseReader
from bot.services.runs.credentials import Credentials
from bot.services.runs.new_runs import follow_up, new_run, queue_run
from bot.services.runs.run_completion import RunCompletion
from bot.services.runs.run_execution import execute
from bot.services.runs.run_logs import LineSink, RunLogs
from bot.services.runs.terraform_jobs import StopOnRequest, TerraformJobs, bounded
from bot.services.stacks.policies import LoadedPolicy, Policies
from bot.services.stacks.releases import Sources
from bot.services.stacks.states import States
from bot.services.verification.probes import ProbeRunner

_LONGEST = 1800.0
"""Time limit of all checks together without one in the policy, in seconds."""
_STATE = "state"
"""The check that the release is still in place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifying:
    """Runs of kind `verify`. They change nothing, so a run that was cut off is simply repeated."""

    records: Records
    github: GitHub
    policies: Policies
    states: States
    sources: Sources
    workspace: Workspace
    terraform: Terraform
    probes: Probes
    credentials: Credentials
    jobs: TerraformJobs
    logs: RunLogs
    completion: RunCompletion
    clock: Clock

    async def after(self, run_id: RunId) -> None:
        """Verify a successful apply in a run of its own while the state is still locked."""
        async with self.records.write() as writer:
            change = await writer.run(run_id)
            if change is None or change.plan_id is None or change.status is not RunStatus.SUCCEEDED:
                return
            release = await writer.release(change.plan_id)
            if release is None or release.run_id != run_id:
                return
            new = verify_run(change, release, dedupe=f"verify:{run_id}", now=self.clock.now())
            run = await writer.add_run(new, self.clock.now()) or await _begun(writer, change)
        if run is not None:
            await self.execute(run.id)

    async def execute(self, run_id: RunId) -> None:
        """Execute a verification and record its result."""
        await execute(self.completion, run_id, self._verify, why="reading what is in place")

    async def _verify(self, run: Run) -> None:
        async with self.records.write() as writer:
            at = self.clock.now()
            await writer.move_run(run.id, RunStatus.RUNNING, at=at, actor=SELF, why="checking it")
        async with self.records.read() as reader:
            release = await reader.release(run.plan_id) if run.plan_id else None
        if release is None:
            raise GatewrightError("There is no release to verify.")
        repo = await self.github.repository(run.stack.repo)
        loaded = await self.policies.load(repo)
        identity, data = await self.states.read(run.stack.state_key)
        facts = await asyncio.to_thread(state_facts, data)
        checked, is_late = await self._checks(run, release, loaded, facts)
        results = [*_moved(release, identity), *checked]
        outcome = worst(result.outcome for result in results)
        verification = Verification(
            run_id=run.id,
            release=release.plan_id,
            stack=release.stack,
            outcome=outcome,
            checks=tuple(results),
            inputs_digest=release.inputs_digest,
            change_digest=release.change_digest,
            state_serial=identity.serial,
            state_lineage=identity.lineage,
            policy_digest=loaded.policy.digest,
            actor=run.actor,
            verified_at=self.clock.now(),
        )
        await self._record(run, verification, failure_of_checks(outcome, is_late=is_late))

    async def _checks(
        self, run: Run, release: Release, loaded: LoadedPolicy, facts: StateFacts
    ) -> tuple[Sequence[CheckResult], bool]:
        """Execute the checks; return also whether one exceeded the time limit, and so failed."""
        secrets = {text for name in facts.sensitive for text in scalars(facts.outputs[name])}
        redactor = self.credentials.redactor(release.stack.env).with_more(secrets)
        log = LineSink(self.logs.open(run.id), redactor)
        checker = ProbeRunner(
            probes=self.probes,
            state=facts,
            run_command=self._command(run, release, loaded, redactor),
            redact=redactor,
            pause=self._pause(run.id),
        )
        limit = bounded(_LONGEST, loaded.policy.timeouts.verify)
        results, is_late = [], False
        deadline = asyncio.get_running_loop().time() + limit
        for check in loaded.policy.environment(release.stack.env).verify:
            try:
                async with asyncio.timeout_at(deadline):
                    result = await checker.check(check)
            except TimeoutError:
                is_late = True
                result = _late(check, limit)
            log(f"{result.outcome} {result.name}: {result.sentence}")
            results.append(result)
        return results, is_late

    def _command(
        self, run: Run, release: Release, loaded: LoadedPolicy, redactor: Redactor
    ) -> Callable[[Sequence[str], float], Awaitable[tuple[int, str]]]:
        """Return what runs a program in the release's own source, with the credentials of a plan."""

        async def command(argv: Sequence[str], seconds: float) -> tuple[int, str]:
            source = await self.sources.fetch(release)
            async with self.workspace.slot(release.stack) as slot:
                await self.workspace.lay_out(slot, SourceBundle(data=source))
                job = self.jobs.program(
                    run, release.stack, loaded.policy, slot, redactor, purpose="plan", seconds=seconds
                )
                return await self.terraform.run_beside(job, argv)

        return command

    def _pause(self, run_id: RunId) -> Callable[[float], Awaitable[None]]:
        stop = StopOnRequest(records=self.records, run_id=run_id)

        async def pause(seconds: float) -> None:
            await asyncio.sleep(seconds)
            who = await stop()
            if who is not None:
                raise TerraformStoppedError(f"Canceled by {who}.", timed_out=False)

        return pause

    async def _record(self, run: Run, made: Verification, failure: FailureClass | None) -> None:
        passed = made.outcome is Outcome.PASS
        summary = f"Verified: {made.outcome}." if made.checks else "There are no checks to carry out."
        await self._store_log(run, summary)
        async with self.records.write() as writer:
            if any(_is_about_this_release(check) for check in made.checks):
                why = f"its checks ended with {made.outcome} later"
                await writer.revoke_verifications(made.stack, why=why, at=made.verified_at)
            await writer.add_verification(made)
            await writer.set_result(run.id, summary=summary, detail={"outcome": str(made.outcome)})
            await writer.move_run(
                run.id,
                RunStatus.SUCCEEDED if passed else RunStatus.FAILED,
                at=self.clock.now(),
                actor=SELF,
                why=summary,
                failure_class=failure,
            )

    async def _store_log(self, run: Run, summary: str) -> None:
        self.logs.open(run.id).write(summary)
        await self.logs.store(run.id)


def _late(check: VerifyCheck, limit: float) -> CheckResult:
    """Return the result of a check that was stopped at the time limit of all."""
    said = f"All checks together took longer than {limit:g} s."
    return CheckResult(name=check.name or check.type, type=check.type, outcome=Outcome.FAIL, sentence=said)


def failure_of_checks(outcome: Outcome, *, is_late: bool) -> FailureClass | None:
    """Return what a verification failed of, None if it passed."""
    if outcome is Outcome.PASS:
        return None
    if is_late:
        return FailureClass.TIMEOUT
    # A check that could not be tried says nothing about the environment.
    return FailureClass.EXECUTOR if outcome is Outcome.ERROR else FailureClass.POLICY


def verify_run(because: Run, release: Release, *, dedupe: str, now: datetime) -> NewRun:
    """Return the run that verifies a release, `because` another run of its stack has ended."""
    cause = replace(
        follow_up(because),
        head_sha=release.head_sha,
        base_sha=release.base_sha,
        head_number=because.head_number if because.head_sha == release.head_sha else None,
    )
    return new_run(cause, now, RunKind.VERIFY, release.stack, plan_id=release.plan_id, dedupe_key=dedupe)


async def queue_verification(
    writer: Writer, run: Run, release: Release, policy: RepoPolicy, now: datetime
) -> None:
    """Queue the verification of a release found in place, where another environment needs it."""
    waits = any(
        policy.environment(name).apply.promote_from == release.stack.env for name in policy.environments
    )
    if not waits or await _is_verified(writer, release, policy):
        return
    await queue_run(writer, verify_run(run, release, dedupe=f"verify:{run.id}", now=now), now)


async def _is_verified(writer: ReleaseReader, release: Release, policy: RepoPolicy) -> bool:
    """Whether the same release holds as verified, made with the same modules and providers."""
    known = {
        each.release
        for each in await writer.verifications(release.stack)
        if each.holds
        and each.inputs_digest == release.inputs_digest
        and each.policy_digest == policy.digest
        and (each.state_serial, each.state_lineage) == (release.state_serial, release.state_lineage)
    }
    others = [await writer.release(name) for name in known]
    return any(other is not None and other.fetched_digest == release.fetched_digest for other in others)


async def _begun(writer: Writer, change: Run) -> Run | None:
    """Return the verification that an earlier try of the step has begun."""
    runs = await writer.runs(state_key=change.stack.state_key, kinds=(RunKind.VERIFY,), limit=20)
    own = (run for run in runs if run.plan_id == change.plan_id)
    return next((run for run in own if run.status not in TERMINAL), None)


def _is_about_this_release(check: CheckResult) -> bool:
    """Whether a check failed on the release in place, not because another release replaced it."""
    return check.outcome is not Outcome.PASS and check.type != _STATE


def _moved(release: Release, now: StateIdentity) -> Sequence[CheckResult]:
    if (release.state_serial, release.state_lineage) == (now.serial, now.lineage):
        return ()
    said = (
        f"The state is at serial {now.serial}; release {release.plan_id} left it at {release.state_serial}:"
        " what is there is not this release."
    )
    return (CheckResult(name=_STATE, type=_STATE, outcome=Outcome.FAIL, sentence=said),)
