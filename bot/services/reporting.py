"""Telling on the pull request what happened; what is posted is always rendered anew from the records."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from bot.comments.apply import apply_comment
from bot.comments.failures import plan_failed_comment
from bot.comments.plan import PlanView, plan_comment
from bot.comments.revert import RevertView
from bot.comments.run_report import RunView
from bot.comments.status import ActiveRun, LastApply, StatusRow, StatusView
from bot.comments.words import Step, command
from bot.domain.drift_checks import drifted
from bot.domain.errors import GatewrightError, PolicyError
from bot.domain.gates import GateResult
from bot.domain.lifecycle import TERMINAL
from bot.domain.model import (
    EnvName,
    PlanId,
    PlanStatus,
    PullRequest,
    Repo,
    Run,
    RunId,
    RunKind,
    RunStatus,
    Stack,
)
from bot.domain.plan import Lock, PlanRecord
from bot.policy import RepoPolicy
from bot.ports import Clock, GitHub, Reader, Records
from bot.services.checks import Checks
from bot.services.deployments import Deployments
from bot.services.drifting import newest_check
from bot.services.jobs import Links
from bot.services.judging import Judging
from bot.services.next_steps import after_plan, after_status
from bot.services.policies import Policies
from bot.services.posting import Poster, sticky_key
from bot.services.requesting import ACTIVE, OPEN_PLANS, Wish

_LOG = logging.getLogger(__name__)
_MOST_SHOWN = 10
"""Comments brought up to date because of one event; the others follow with the next event that concerns them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporting:
    """Comments, reactions, checks and deployments of runs."""

    records: Records
    github: GitHub
    policies: Policies
    judging: Judging
    poster: Poster
    checks: Checks
    deployments: Deployments
    links: Links
    clock: Clock

    async def report_plan(self, run_id: RunId) -> None:
        """Post how a plan run ended. Repeating it posts nothing twice."""
        run = await self._ended(run_id)
        if run is None or run.pull is None:
            return
        repo, pull = await self.github.subject(run.stack.repo, run.pull)
        if run.detail.get("superseded"):
            await self._react(repo, run)
            return
        if run.status is RunStatus.SUCCEEDED and run.plan_id is not None:
            await self.refresh_plan(repo, run.plan_id, asked_by=run.comment_id, pull=pull)
        elif await self._is_newest(run):
            async with self.records.read() as reader:
                revert = await reader.revert(run.id)
            again = command("revert", run.stack)
            steps = () if revert is None else (Step(sentence="When that is settled", command=again),)
            body = plan_failed_comment(RunView(run=run, run_url=self.links.run(run.id), next_steps=steps))
            key = _key(run.pull, run.stack, revert=revert is not None)
            await self.poster.sticky(repo, run.pull, key, body, asked_by=run.comment_id)
        await self._checks(repo, run)
        await self._react(repo, run)

    async def report_change(self, run_id: RunId) -> None:
        """Post how an apply ended, and bring the plan comment, checks and deployment up to date."""
        run = await self._ended(run_id)
        if run is None or run.pull is None:
            return
        repo = await self.github.repository(run.stack.repo)
        async with self.records.read() as reader:
            plan = await reader.plan(run.plan_id) if run.plan_id else None
            replans = await reader.runs(
                repo=run.stack.repo, pull=run.pull, kinds=(RunKind.PLAN,), statuses=ACTIVE
            )
            verified = await reader.verifications(run.stack, release=run.plan_id, limit=1) if plan else ()
            revert = await _revert_view(reader, plan) if plan else None
        view = RunView(
            run=run,
            run_url=self.links.run(run.id),
            plan=plan,
            replanned=any(other.stack.state_key == run.stack.state_key for other in replans),
            url_output=await self._url_output(repo, run.stack),
            keeps_lock=await self._keeps_lock(repo, run),
            verification=verified[0] if verified else None,
            revert=revert,
        )
        await self.poster.once(repo, run.pull, f"report:{run.id}", apply_comment(view))
        if plan is not None:
            await self.refresh_plan(repo, plan.id)
            await self.show(repo.full_name)
            await self._refresh_waiting(repo, run)
        await self.deployments.ended(repo, run)
        await self._checks(repo, run)
        await self._react(repo, run)

    async def _refresh_waiting(self, repo: Repo, run: Run) -> None:
        """Judge the pull request's other plans anew: what was just applied may open or shut their gates."""
        if run.pull is not None and (pull := await self.github.pull(repo, run.pull)).is_open:
            await self.refresh_judged(repo, pull)

    async def show(self, repo: str, *, pull: int | None = None) -> int:
        """Bring comments up to date that show something old, a few at once, lest it become a storm."""
        async with self.records.read() as reader:
            plans = await reader.unshown_plans(repo=repo, pull=pull, limit=_MOST_SHOWN)
        if plans:
            found = await self.github.repository(repo)
            for plan in plans:
                await self.refresh_plan(found, plan)
        return len(plans)

    async def announce_change(self, run_id: RunId) -> None:
        """Show that a change has begun; one that has ended by now is left to its report."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
        if run is None:
            return
        repo = await self.github.repository(run.stack.repo)
        if run.plan_id is not None and run.status not in TERMINAL:
            await self.refresh_plan(repo, run.plan_id)
        await self.deployments.started(repo, run)

    async def refresh_plan(
        self,
        repo: Repo,
        plan_id: PlanId,
        *,
        asked_by: int | None = None,
        pull: PullRequest | None = None,
    ) -> None:
        """Render the comment of a plan anew, unless a newer plan of the stack has taken it over.

        `asked_by` is the comment that it answers, if any; `pull` is its pull request, where it was just read.
        """
        async with self.records.read() as reader:
            before = await reader.plan(plan_id)
        # Gates take a while to judge, so everything else is read behind them: what is posted must not be old.
        gates = () if before is None else await self._gates(repo, before, pull)
        async with self.records.read() as reader:
            plan = await reader.plan(plan_id)
            if plan is None or plan.pull is None:
                return
            newer = await _newest_of_kind(reader, plan)
            revert = await _revert_view(reader, plan)
            lock = await reader.lock(plan.stack)
            active = await reader.runs(state_key=plan.stack.state_key, statuses=ACTIVE)
            check = await newest_check(reader, plan.stack)
        if newer != plan.id:
            await self._shown(plan_id)
            return
        applying = next(
            (run.id for run in active if run.plan_id == plan.id and run.kind is not RunKind.PLAN), None
        )
        held = lock if lock is not None and _is_foreign(lock, plan) else None
        view = PlanView(
            plan=plan,
            run_url=self.links.run(plan.run_id),
            gates=gates if plan.status is PlanStatus.PLANNED else (),
            locked_by=held,
            is_tenanted=held is not None and await self._is_tenanted(repo, plan.stack),
            applying_run=applying,
            outside=() if check is None or plan.status not in OPEN_PLANS else drifted(check),
            next_steps=await self._next_steps(repo, plan, held),
            revert=revert,
        )
        key = _key(plan.pull, plan.stack, revert=revert is not None)
        at = await self.poster.sticky(repo, plan.pull, key, plan_comment(view), asked_by=asked_by)
        async with self.records.write() as writer:
            await writer.mark_shown(plan.id)
            if plan.posted_at is None:
                await writer.mark_posted(plan.id, at)

    async def _shown(self, plan_id: PlanId) -> None:
        async with self.records.write() as writer:
            await writer.mark_shown(plan_id)

    async def refresh_judged(self, repo: Repo, pull: PullRequest) -> int:
        """Render the comments of the pull request's open plans anew where gates are shown; returns how many."""
        try:
            loaded = await self.policies.load(repo)
        except PolicyError:
            return 0
        async with self.records.read() as reader:
            plans = await reader.plans(repo=repo.full_name, pull=pull.number, statuses=(PlanStatus.PLANNED,))
        known = loaded.policy.environments
        judged = [
            plan
            for plan in plans
            if plan.stack.env in known and loaded.policy.environment(plan.stack.env).apply.gates
        ]
        for plan in judged:
            await self.refresh_plan(repo, plan.id, pull=pull)
        return len(judged)

    async def refresh_environment(self, repo: Repo, env: EnvName | None) -> None:
        """Show on the open plans of an environment (None for all) what its gates say now; on a few at once."""
        now = self.clock.now()
        async with self.records.write() as writer:
            plans = await writer.plan_outlines(
                repo=repo.full_name, statuses=(PlanStatus.PLANNED,), limit=1000
            )
            for plan in plans:
                if plan.pull is not None and env in {None, plan.stack.env}:
                    await writer.mark_unshown(repo.full_name, plan.pull, plan.id, now)
        await self.show(repo.full_name)

    async def _gates(self, repo: Repo, plan: PlanRecord, pull: PullRequest | None) -> tuple[GateResult, ...]:
        """Judge a plan that can be applied; a plan comment without its gates is better than none."""
        if plan.pull is None or plan.status is not PlanStatus.PLANNED:
            return ()
        try:
            recent = await self.policies.recent(repo)
            known = recent.policy.digest == plan.policy_digest
            loaded = recent if known else await self.policies.load(repo)
            async with self.records.read() as reader:
                holds = await reader.holds(repo=repo.full_name, env=plan.stack.env)
            if not loaded.policy.environment(plan.stack.env).apply.gates and not holds:
                return ()
            if known:  # Gates are judged by the policy in force now.
                loaded = await self.policies.load(repo)
            pull = pull or await self.github.pull(repo, plan.pull)
            return await self.judging.preview(repo, pull, loaded, plan)
        except GatewrightError:
            _LOG.warning("the gates of plan %s could not be judged for its comment", plan.id, exc_info=True)
            return ()

    async def refresh_checks(self, repo: Repo, pull: PullRequest) -> None:
        """Bring the check runs of the pull request's head up to date."""
        try:
            loaded = await self.policies.load(repo)
        except PolicyError:
            return
        await self.checks.refresh(repo, pull.number, pull.head_sha, loaded.policy)

    async def conflict_checks(self, repo: Repo, pull: PullRequest, paths: Sequence[str]) -> None:
        """Fail both checks because the pull request does not merge."""
        await self.checks.conflict(repo, pull.number, pull.head_sha, paths)

    async def status(self, wish: Wish, policy: RepoPolicy) -> StatusView:
        """Gather what `/status` shows."""
        repo, pull = wish.repo, wish.pull
        async with self.records.read() as reader:
            plans = await reader.plans(repo=repo.full_name, pull=pull.number)
            active = await reader.runs(repo=repo.full_name, pull=pull.number, statuses=ACTIVE)
            rows = []
            for stack in policy.stacks(repo.full_name, pull=pull.number):
                if policy.environment(stack.env).trigger == "local":
                    continue
                version = await reader.last_applied(stack.state_key)
                last = (
                    LastApply(
                        actor=version.actor,
                        at=version.taken_at,
                        commit=version.commit,
                        serial=version.identity.serial,
                    )
                    if version is not None
                    else None
                )
                newest = next((plan for plan in plans if _same(plan.stack, stack)), None)
                lock = await reader.lock(stack)
                rows.append(StatusRow(stack=stack, plan=newest, lock=lock, last_apply=last))
        return StatusView(
            pull=pull.number,
            head_sha=pull.head_sha,
            now=self.clock.now(),
            rows=rows,
            next_steps=after_status(pull, policy, rows) if not active else (),
            active=[ActiveRun(run=run, url=self.links.run(run.id)) for run in active],
            reference=wish.correlation_id,
        )

    async def _is_newest(self, run: Run) -> bool:
        """Whether no later planning of the stack has the comment: a canceled run must not write over it."""
        async with self.records.read() as reader:
            runs = await reader.runs(repo=run.stack.repo, pull=run.pull, kinds=(RunKind.PLAN,))
        return next((other.id for other in runs if _same(other.stack, run.stack)), run.id) == run.id

    async def _ended(self, run_id: RunId) -> Run | None:
        async with self.records.read() as reader:
            run = await reader.run(run_id)
        return run if run is not None and run.status in TERMINAL else None

    async def _checks(self, repo: Repo, run: Run) -> None:
        if run.pull is None or run.head_sha is None:
            return
        try:
            loaded = await self.policies.recent(repo)
        except PolicyError:
            return
        await self.checks.refresh(repo, run.pull, run.head_sha, loaded.policy)

    async def _react(self, repo: Repo, run: Run) -> None:
        """Answer the comment with a rocket or a confused face once all of its runs have ended."""
        if run.comment_id is None or run.pull is None:
            return
        async with self.records.read() as reader:
            runs = await reader.runs(repo=repo.full_name, pull=run.pull)
        asked = [other for other in runs if other.comment_id == run.comment_id]
        if any(other.status not in TERMINAL for other in asked):
            return
        good = all(other.status is RunStatus.SUCCEEDED for other in asked)
        await self.github.react(repo, run.comment_id, "rocket" if good else "confused")

    async def _next_steps(self, repo: Repo, plan: PlanRecord, held: Lock | None) -> tuple[Step, ...]:
        try:
            policy = (await self.policies.recent(repo)).policy
            return after_plan(plan, policy.environment(plan.stack.env), held)
        except PolicyError:
            return ()

    async def _is_tenanted(self, repo: Repo, stack: Stack) -> bool:
        try:
            policy = (await self.policies.recent(repo)).policy
            return policy.environment(stack.env).lifecycle != "permanent"
        except PolicyError:
            return False

    async def _keeps_lock(self, repo: Repo, run: Run) -> bool:
        """Whether the pull request holds the stack by an apply; what lives as long as it does is destroyed instead."""
        async with self.records.read() as reader:
            lock = await reader.lock(run.stack)
        if lock is None or (lock.stack.repo, lock.pull) != (run.stack.repo, run.pull):
            return False
        return not await self._is_tenanted(repo, run.stack)

    async def _url_output(self, repo: Repo, stack: Stack) -> str | None:
        try:
            loaded = await self.policies.recent(repo)
            return loaded.policy.environment(stack.env).url_output
        except PolicyError:
            return None


async def _newest_of_kind(reader: Reader, plan: PlanRecord) -> PlanId:
    """Return the newest plan of the stack on the pull request; a revert's plan has a comment of its own."""
    plans = await reader.plan_outlines(repo=plan.stack.repo, pull=plan.pull, stack=plan.stack)
    kind = plan.reverts_to is None
    return next((each.id for each in plans if (each.reverts_to is None) == kind), plan.id)


async def _revert_view(reader: Reader, plan: PlanRecord) -> RevertView | None:
    revert = None if plan.reverts_to is None else await reader.revert_of(plan.id)
    if revert is None:
        return None
    undone = [await reader.release(plan_id) for plan_id in revert.undone]
    return RevertView(
        revert=revert,
        target=await reader.release(revert.target),
        undone=[release for release in undone if release is not None],
    )


def _key(pull: int, stack: Stack, *, revert: bool = False) -> str:
    key = sticky_key(pull, stack.project, stack.env)
    return f"{key}:revert" if revert else key


def _same(one: Stack, other: Stack) -> bool:
    return (one.project, one.env) == (other.project, other.env)


def _is_foreign(lock: Lock, plan: PlanRecord) -> bool:
    """A state may be shared across repositories, so the number alone does not tell whose lock it is."""
    return (lock.stack.repo, lock.pull) != (plan.stack.repo, plan.pull)
