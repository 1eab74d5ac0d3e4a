"""The check run of an ephemeral environment."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import dropwhile, takewhile

from bot.comments.checks.ephemeral import Life, life_check
from bot.domain.core.errors import PolicyError
from bot.domain.core.model import PlanId, Repo, Run, RunId, RunKind, RunStatus, Sha
from bot.domain.core.run_kinds import LEASE_CHANGES
from bot.domain.environments.leases import MOST_DESTROYS, failed_destroys
from bot.ports import Check, GitHub, Records
from bot.services.environments.ephemeral import is_ephemeral
from bot.services.reporting.check_runs import CheckRuns
from bot.services.runs.links import Links
from bot.services.stacks.policies import Policies


@dataclass(frozen=True, slots=True, kw_only=True)
class EphemeralReports:
    """One check run per commit and stack, such as `gatewright/ci-life` for the stack `ci`."""

    records: Records
    github: GitHub
    policies: Policies
    links: Links
    checks: CheckRuns

    async def report(self, run_id: RunId) -> None:
        """Update the check run of the commit; does nothing for other environments."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
            if run is None or run.pull is None:
                return
            runs = await reader.runs(
                repo=run.stack.repo, pull=run.pull, state_key=run.stack.state_key, limit=200
            )
        try:
            policy = (await self.policies.known(run.stack.repo)).policy
        except PolicyError:
            return
        if not is_ephemeral(policy, run.stack):
            return
        life = await self._life(run, [other for other in runs if other.stack.project == run.stack.project])
        if life is None or life.plan.head_sha is None:
            return
        repo = await self.github.known_repository(run.stack.repo)
        await self._show(repo, run, life, life.plan.head_sha)

    async def _show(self, repo: Repo, run: Run, life: Life, head: Sha) -> None:
        text = life_check(life, self.links.run(run.id))
        name = f"gatewright/{run.stack.label}-life"
        check = Check(
            name=name,
            head_sha=head,
            conclusion=text.conclusion,
            title=text.title,
            summary=text.summary,
            details_url=self.links.run(run.id),
        )
        await self.checks.show_of_run(repo, run, head, check)

    async def _life(self, run: Run, runs: Sequence[Run]) -> Life | None:
        """Return the lifecycle that the run belongs to; `runs` are newest first."""
        async with self.records.read() as reader:
            lock = await reader.lock(run.stack)
            made = await reader.plans(repo=run.stack.repo, pull=run.pull, stack=run.stack)
        changing = {plan.id for plan in made if plan.has_changes}
        claim = lock.run_id if lock is not None and lock.pull == run.pull else None
        plan = _begun_by(run, runs, claim, changing)
        if plan is None:
            return None
        after = takewhile(lambda other: other.id != plan.id, runs)
        later = [other for other in after if other.head_sha in {plan.head_sha, None}]
        newest = {kind: next((one for one in later if one.kind is kind), None) for kind in RunKind}
        changes = [other for other in runs if other.kind in LEASE_CHANGES]
        failures = failed_destroys(changes)
        return Life(
            stack=run.stack,
            plan=plan,
            has_changes=plan.plan_id in changing,
            apply=newest[RunKind.APPLY],
            verify=newest[RunKind.VERIFY],
            destroy=newest[RunKind.DESTROY],
            attempts_left=max(0, MOST_DESTROYS - failures) if failures else 0,
        )


def _begun_by(now: Run, runs: Sequence[Run], claim: RunId | None, changing: Collection[PlanId]) -> Run | None:
    """Return the newest plan up to `now` that was made to be applied; `runs` are newest first.

    Plans on request and plans after a failed apply are left out.
    """
    applied = {run.plan_id for run in runs if run.kind is RunKind.APPLY}
    before = dropwhile(lambda run: run.id != now.id, runs)
    plans = [run for run in before if run.kind is RunKind.PLAN]
    for place, run in enumerate(plans):
        again = any(other.correlation_id == run.correlation_id for other in plans[place + 1 :])
        if run.detail.get("superseded") or run.comment_id is not None or again:
            continue
        nothing_follows = run.status is not RunStatus.SUCCEEDED or run.plan_id not in changing
        if run.id == claim or run.plan_id in applied or nothing_follows:
            return run
    return None
