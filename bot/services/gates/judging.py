"""Gathering the facts for the gates, then judging them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain.core.accounts import Account
from bot.domain.core.errors import GatewrightError, PolicyError
from bot.domain.core.model import Permission, PlanStatus, PullRequest, Repo, Run, RunKind, RunStatus, Stack
from bot.domain.core.run_kinds import QUEUED_BY_APPLY
from bot.domain.gates import Facts, GateResult, Outcome, RiskLimits, judge, shut, waived
from bot.domain.gates.environment import HOLD
from bot.domain.gates.freezes import Hold
from bot.domain.gates.overrides import overridden
from bot.domain.gates.people import CODEOWNERS, PERMISSION
from bot.domain.plans.plan import PlanRecord, RiskLevel, does_what_was_reviewed, last_reviewed
from bot.domain.plans.reviewed import seen_before
from bot.policy import RepoPolicy
from bot.ports import Clock, GitHub, Reader, Records, Terraform
from bot.services.access.capacities import People, Standing
from bot.services.access.permissions import Access
from bot.services.freezes.restore_freezes import letting_through
from bot.services.freezes.revert_freezes import revert_holds
from bot.services.gates.facts import GateFacts, Question
from bot.services.stacks.data_copies import copying
from bot.services.stacks.lifecycles import refuse_automatic_apply
from bot.services.stacks.policies import LoadedPolicy, Policies
from bot.services.stacks.states import States


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The result of every gate just before an apply, and the policy in force."""

    plan: PlanRecord
    loaded: LoadedPolicy
    results: tuple[GateResult, ...]
    approvers: tuple[Account, ...]
    """Code owners whose approvals count; empty where none are needed."""
    waived: tuple[str, ...] = ()
    """The gates and holds that a revert skipped, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """Judges gates on facts read at that moment; a result is never reused."""

    records: Records
    github: GitHub
    policies: Policies
    access: Access
    states: States
    gate_facts: GateFacts
    people: People
    terraform: Terraform
    clock: Clock

    async def before_apply(self, run: Run) -> Judged:
        """Judge an apply run just before Terraform starts."""
        async with self.records.read() as reader:
            plan = await reader.plan(run.plan_id) if run.plan_id else None
        if plan is None or run.pull is None:
            raise GatewrightError(f"run {run.id} has no plan to apply")
        repo, pull = await self.github.subject(run.stack.repo, run.pull)
        loaded = await self.policies.load(repo)
        await refuse_automatic_apply(self.records, run, plan, loaded.policy)
        await self.terraform.installed(loaded.policy.engine)
        if run.kind is RunKind.SYNC:
            return await self._after_merge(run, repo, pull, loaded, plan)
        may_apply = await self._may_apply(repo, loaded, plan, run.actor)
        facts = await self._facts(repo, pull, loaded, plan, may_apply=may_apply)
        facts = replace(facts, copied_by=await self._copied_by(plan))
        facts = await self._for_revert(facts, repo, loaded, run.actor)
        results = await self._overridden(judge(facts), plan, facts.holds, used_by=run)
        return Judged(
            plan=plan,
            loaded=loaded,
            results=results,
            approvers=_approvers(facts),
            waived=waived(facts),
        )

    async def _overridden(
        self,
        results: tuple[GateResult, ...],
        plan: PlanRecord,
        holds: Sequence[Hold],
        *,
        used_by: Run | None = None,
    ) -> tuple[GateResult, ...]:
        """Open the gates that two owners have overridden."""
        # Overrides are used up by an apply that finds every gate open with them.
        if plan.pull is None or not shut(results):
            return results
        async with self.records.write() as writer:
            known = await writer.overrides(repo=plan.stack.repo, pull=plan.pull)
            valid = tuple(one for one in known if one.opens_for(plan, self.clock.now()))
            opened = tuple(overridden(result, valid, holds=holds) for result in results)
            gates = {result.gate for result in shut(results)}
            if used_by is not None and not shut(opened):
                for one in (each for each in valid if each.gate in gates):
                    await writer.use_override(one.number, used_by.id)
        return opened

    async def _may_apply(self, repo: Repo, loaded: LoadedPolicy, plan: PlanRecord, actor: Account) -> bool:
        if await self._is_applied_automatically(loaded, plan):
            return True
        return await self.access.may_apply(repo, loaded.policy.environment(plan.stack.env), actor)

    async def _after_merge(
        self, run: Run, repo: Repo, pull: PullRequest, loaded: LoadedPolicy, plan: PlanRecord
    ) -> Judged:
        """Judge a plan that a merge made on the tip of the base."""
        # People reviewed the pull request's own plan, so the gates that they open are judged on that one.
        was_open = replace(pull, state="open")
        async with self.records.read() as reader:
            plans = await reader.plans(repo=repo.full_name, pull=pull.number, stack=plan.stack)
        # The plan that the merge was compared with; one that was canceled since opens nothing.
        reviewed = last_reviewed(seen_before(plans, pull.merged_at))
        if reviewed is not None and not does_what_was_reviewed(plan, reviewed):
            reviewed = None
        tip = replace(was_open, head_sha=plan.head_sha, head_number=plan.head_number)
        may_apply = reviewed is None and await self._may_apply(repo, loaded, plan, run.actor)
        facts = await self._facts(repo, tip, loaded, plan, may_apply=may_apply)
        copied_by = await self._copied_by(plan)
        facts = replace(facts, copied_by=copied_by, is_reviewed_merge=reviewed is not None)
        asked = (
            facts
            if reviewed is None
            else await self._facts(repo, was_open, loaded, reviewed, may_apply=may_apply)
        )
        named = set(loaded.policy.environment(plan.stack.env).apply.gates)
        results = (
            *(result for result in judge(facts) if result.gate not in named),
            *(result for result in judge(asked) if result.gate in named),
        )
        # Two owners opened a gate for what they had read: the pull request's own plan.
        results = await self._overridden(results, reviewed or plan, facts.holds, used_by=run)
        return Judged(plan=plan, loaded=loaded, results=results, approvers=_approvers(asked))

    async def _copied_by(self, plan: PlanRecord) -> Run | None:
        async with self.records.read() as reader:
            return await copying(reader, plan.stack)

    async def _for_revert(self, facts: Facts, repo: Repo, loaded: LoadedPolicy, actor: Account) -> Facts:
        """Add whether the requester of a revert is a code owner or on call."""
        # On-call members may apply a revert without the right that other applies need.
        if facts.plan.reverts_to is None:
            return facts
        try:
            standing = await self.people.standing(repo, loaded, (facts.plan.stack,), actor)
        except GatewrightError as error:
            return replace(facts, unreadable={CODEOWNERS.name: str(error).rstrip(".")})
        return replace(
            facts,
            answers_for_it=bool(standing & {Standing.OWNER, Standing.ONCALL}),
            actor_may_apply=facts.actor_may_apply or Standing.ONCALL in standing,
        )

    async def _is_applied_automatically(self, loaded: LoadedPolicy, plan: PlanRecord) -> bool:
        """Whether the plan is applied automatically for its pull request."""
        # Any pusher will do there: see `bot.services.environments.leases`.
        if loaded.policy.environment(plan.stack.env).lifecycle == "permanent":
            return False
        async with self.records.read() as reader:
            lock = await reader.lock(plan.stack)
        return lock is not None and lock.run_id == plan.run_id

    async def judge(
        self,
        repo: Repo,
        pull: PullRequest,
        loaded: LoadedPolicy,
        plan: PlanRecord,
        actor: Account,
        *,
        held: Permission | None = None,
    ) -> tuple[GateResult, ...]:
        """Gather the facts about applying `plan` for `actor` now, and judge them.

        `held` is the actor's right, where the same act has read it already.
        """
        env = loaded.policy.environment(plan.stack.env)
        may_apply = await self.access.may_apply(repo, env, actor, held=held)
        facts = await self._facts(repo, pull, loaded, plan, may_apply=may_apply)
        results = judge(await self._for_revert(facts, repo, loaded, actor))
        return await self._overridden(results, plan, facts.holds)

    async def preview(
        self, repo: Repo, pull: PullRequest, loaded: LoadedPolicy, plan: PlanRecord
    ) -> tuple[GateResult, ...]:
        """Judge the gates that do not depend on the requester, for the plan comment.

        Where the policy names no gates, only a shut `hold` is of interest.
        """
        facts = await self._facts(repo, pull, loaded, plan, may_apply=True)
        results = await self._overridden(judge(facts), plan, facts.holds)
        if not loaded.policy.environment(plan.stack.env).apply.gates:
            return tuple(result for result in shut(results) if result.gate == HOLD.name)
        return tuple(
            result
            for result in results
            if result.gate != PERMISSION.name or result.outcome is not Outcome.PASS
        )

    async def _facts(
        self, repo: Repo, pull: PullRequest, loaded: LoadedPolicy, plan: PlanRecord, *, may_apply: bool
    ) -> Facts:
        env = loaded.policy.environment(plan.stack.env)
        identity, _ = await self.states.read(plan.stack.state_key)
        async with self.records.read() as reader:
            lock = await reader.lock(plan.stack)
            applied_by = await _applied_by(reader, plan)
            passed = await letting_through(reader, plan)
            holds = [hold for hold in await _holds(reader, plan) if hold not in passed]
        engine = loaded.policy.engine
        now = self.clock.now()
        question = Question(repo=repo, pull=pull, plan=plan, loaded=loaded)
        return Facts(
            plan=plan,
            pull=pull,
            now=now,
            state=identity,
            engine=f"{engine.name} {engine.version}",
            lock=lock,
            actor_may_apply=may_apply,
            needed_permission=env.apply.allow_words if env.apply.is_possible else None,
            policy_digest=loaded.policy.digest,
            stack=_stack_in_force(loaded.policy, plan, pull),
            closed_reason=env.closed_reason(now),
            holds=holds,
            passed_holds=passed,
            is_base_served=loaded.policy.serves(pull.base_ref, default_branch=repo.default_branch),
            required_gates=env.apply.gates,
            applied_by=applied_by,
            risk=RiskLimits(
                max_level=RiskLevel(env.apply.risk.max_level),
                allow_stateful_destroy=env.apply.risk.allow_stateful_destroy,
            ),
            **await self.gate_facts.gather(question),
        )


async def _applied_by(reader: Reader, plan: PlanRecord) -> Run | None:
    if plan.status is not PlanStatus.APPLIED:
        return None
    runs = await reader.runs(
        state_key=plan.stack.state_key, kinds=QUEUED_BY_APPLY, statuses=(RunStatus.SUCCEEDED,)
    )
    return next((run for run in runs if run.plan_id == plan.id), None)


async def _holds(reader: Reader, plan: PlanRecord) -> tuple[Hold, ...]:
    """Return the holds that block a plan."""
    # The hold of a revert does not block the pull request that the revert opened.
    holds = await reader.holds(repo=plan.stack.repo, env=plan.stack.env)
    completed = () if plan.pull is None else await reader.revert_opened_as(plan.stack.repo, plan.pull)
    numbers = await revert_holds(reader, completed)
    return tuple(hold for hold in holds if hold.number not in numbers)


def _approvers(facts: Facts) -> tuple[Account, ...]:
    paths = () if facts.approvals is None else facts.approvals.paths
    return tuple(dict.fromkeys(path.approved_by for path in paths if path.approved_by is not None))


def _stack_in_force(policy: RepoPolicy, plan: PlanRecord, pull: PullRequest) -> Stack | None:
    try:
        return policy.stack(plan.stack.repo, plan.stack.env, plan.stack.project, pull=pull.number)
    except PolicyError:
        return None
