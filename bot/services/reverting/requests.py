"""Requests for a revert: find the release, refuse what is impossible, queue the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.core.errors import IntegrityError, ObjectMissingError
from bot.domain.core.model import PlanStatus, Run, RunKind, Stack
from bot.domain.core.refusals import Reason, Refusal
from bot.domain.core.run_kinds import RELEASE_APPLIES, STATE_CHANGES
from bot.domain.core.run_lifecycle import ACTIVE
from bot.domain.gates.lock_sentences import how_to_unlock, locked_sentence
from bot.domain.releases.revert import Choice, History, Revert, choose, state_problem
from bot.policy import RepoPolicy
from bot.ports import Clock, PlanOutline, Reader, Records
from bot.ports.records.outlines import OutlineReader
from bot.services.runs.incomplete_changes import unfinished_change
from bot.services.runs.new_runs import queue_run
from bot.services.runs.requests import Trigger
from bot.services.stacks.policies import LoadedPolicy
from bot.services.stacks.releases import Sources
from bot.services.stacks.states import States, terraform_locked

_MOST_RELEASES = 500
_MOST_PLANS = 10_000
"""Plans of a stack, of any pull request, among which that of a revert must not be overlooked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverting:
    """Reads the history of a stack, and queues what takes it back."""

    records: Records
    states: States
    sources: Sources
    clock: Clock

    async def last_applied(self, repo: str, pull: int, *, stacks: Sequence[Stack]) -> Stack | None:
        """Return which of the stacks the pull request changed last."""
        async with self.records.read() as reader:
            runs = await reader.runs(repo=repo, pull=pull, kinds=RELEASE_APPLIES)
        known = {(stack.project, stack.env): stack for stack in stacks}
        begun = (run for run in runs if run.intent_at is not None and run.operation is None)
        return next(
            (
                known[run.stack.project, run.stack.env]
                for run in begun
                if (run.stack.project, run.stack.env) in known
            ),
            None,
        )

    async def plan(
        self, trigger: Trigger, loaded: LoadedPolicy, stack: Stack, *, named: str | None
    ) -> Refusal | None:
        """Queue the plan of a revert; returns the first refusal."""
        refused = await self._held(trigger, stack)
        if refused is not None:
            return refused
        identity, _ = await self.states.read(stack.state_key)
        async with self.records.read() as reader:
            history = await _history(reader, stack)
            recorded = await _recorded(reader, stack, history)
        choice = choose(history, named=named, stack=stack)
        if isinstance(choice, Refusal):
            return choice
        refused = (
            state_problem(identity, recorded, stack=stack)
            or _changed_since(choice, loaded.policy, stack)
            or await self._unreadable(choice, stack)
        )
        if refused is None:
            begun = history.unfinished
            goes_on = begun is not None and begun.revert_to == choice.target.plan_id
            since = begun.asked_at if begun is not None and goes_on else None
            await self._queue(trigger, stack, choice, asked_at=since or trigger.asked_at)
        return refused

    async def pending(self, stack: Stack) -> PlanOutline | None:
        """Return the newest revert plan of the stack that can still be applied, of any pull request."""
        async with self.records.read() as reader:
            return await pending_revert(reader, stack, self.clock)

    async def _held(self, trigger: Trigger, stack: Stack) -> Refusal | None:
        repo = trigger.repo.full_name
        async with self.records.read() as reader:
            lock = await reader.lock(stack)
            active = await reader.runs(state_key=stack.state_key, statuses=ACTIVE)
        if any(_is_changing(run) for run in active):
            return Refusal(
                reason=Reason.ALREADY_RUNNING,
                sentence=f"{stack.label} is being changed; go back when that has ended.",
                next_command="/status",
            )
        if lock is not None and (lock.stack.repo, lock.pull) != (repo, trigger.pull.number):
            return Refusal(
                reason=Reason.LOCKED,
                sentence=locked_sentence(lock, repo=repo),
                next_command=how_to_unlock(lock, repo=repo),
            )
        holder = await self.states.lock_holder(stack.state_key)
        return None if holder is None else terraform_locked(stack, holder)

    async def _unreadable(self, choice: Choice, stack: Stack) -> Refusal | None:
        """Refuse early if the source of the release no longer exists."""
        target, again = choice.target, f"/revert {stack.env} to RELEASE, with an older one"
        try:
            await self.sources.fetch(target)
        except ObjectMissingError:
            said = f"The source of release {target.plan_id} is not in the object store any more."
            return Refusal(reason=Reason.SOURCE_MISSING, sentence=said, next_command=again)
        except IntegrityError:
            said = f"The stored source of release {target.plan_id} is damaged: it is not what was recorded."
            return Refusal(reason=Reason.INTEGRITY, sentence=said, next_command=again)
        return None

    async def _queue(self, trigger: Trigger, stack: Stack, choice: Choice, *, asked_at: datetime) -> None:
        """Queue the plan.

        Where it finishes an earlier revert, the time to recover began with that one.
        """
        now = self.clock.now()
        async with self.records.write() as writer:
            run = await queue_run(writer, trigger.run(now, RunKind.PLAN, stack), now)
            if run is None:
                return
            revert = Revert(
                run_id=run.id,
                stack=stack,
                pull=trigger.pull.number,
                target=choice.target.plan_id,
                undone=tuple(release.plan_id for release in choice.undone),
                asked_by=trigger.actor,
                asked_at=asked_at,
            )
            await writer.add_revert(revert)


def _is_changing(run: Run) -> bool:
    """Whether a run changes the state or is about to.

    What follows a merge may wait for long, or only compare.
    """
    if run.kind is RunKind.SYNC:
        return run.intent_at is not None
    return run.kind in STATE_CHANGES


async def pending_revert(reader: OutlineReader, stack: Stack, clock: Clock) -> PlanOutline | None:
    """Return the newest plan of a revert of the stack that may still be applied."""
    plans = await reader.plan_outlines(
        repo=stack.repo, stack=stack, statuses=(PlanStatus.PLANNED,), limit=_MOST_PLANS
    )
    now = clock.now()
    return next((plan for plan in plans if plan.reverts_to is not None and now < plan.expires_at), None)


async def _history(reader: Reader, stack: Stack) -> History:
    releases = await reader.releases(stack, limit=_MOST_RELEASES)
    reverts = await reader.reverts(stack, limit=_MOST_RELEASES)
    return History(
        releases=releases,
        verifications=await reader.verifications(stack, limit=2 * _MOST_RELEASES),
        reverts={revert.plan_id: revert.target for revert in reverts if revert.plan_id is not None},
        unfinished=await unfinished_change(reader, stack, releases),
    )


async def _recorded(
    reader: Reader, stack: Stack, history: History
) -> tuple[tuple[int | None, str | None], ...]:
    """Return serial and lineage after the last recorded change, and of the newest release."""
    versions = await reader.state_versions(stack.state_key, limit=1)
    known = [(version.identity.serial, version.identity.lineage) for version in versions]
    known += [(each.state_serial, each.state_lineage) for each in history.releases[:1]]
    return tuple(known)


def _changed_since(choice: Choice, policy: RepoPolicy, stack: Stack) -> Refusal | None:
    """Refuse what cannot be planned as it was.

    Another Terraform, or another place in the repository.
    """
    target, engine = choice.target, f"{policy.engine.name} {policy.engine.version}"
    if target.engine != engine:
        return Refusal(
            reason=Reason.ENGINE_CHANGED,
            sentence=(
                f"Release {target.plan_id} was made with {target.engine}, and the policy now says {engine}: what a"
                " newer one has written to the state, an older one may not read."
            ),
            next_command=f"/revert {stack.env} to RELEASE, with a release of {engine}",
        )
    then, now = (target.stack.directory, target.stack.var_file), (stack.directory, stack.var_file)
    if then == now:
        return None
    return Refusal(
        reason=Reason.CONFIG,
        sentence=(
            f"Release {target.plan_id} was made of {' and '.join(f'`{path}`' for path in then)}, and the policy"
            f" now says {' and '.join(f'`{path}`' for path in now)}."
        ),
        next_command="a policy with the paths of that release",
    )
