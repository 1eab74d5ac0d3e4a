"""The check runs of a pull request's head, `gatewright/plan` and `gatewright/apply` first of all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from bot.comments.checks import (
    CheckRow,
    CheckText,
    TakenBack,
    apply_check,
    conflict_check,
    plan_check,
    unselected_check,
)
from bot.domain.model import PlanStatus, Repo, Run, RunKind, Sha
from bot.domain.plan import PlanRecord
from bot.policy import RepoPolicy
from bot.ports import Annotation, Check, CheckButton, GitHub, Reader, Records
from bot.services.posting import show_check
from bot.services.restore_holds import TOUCHED
from bot.services.stopwatch import together

PLAN, APPLY = "gatewright/plan", "gatewright/apply"
_REPLAN = CheckButton(label="Plan again", description="The same as the comment /plan", identifier="plan")
_SPEAKING = (
    RunKind.PLAN,
    RunKind.APPLY,
    RunKind.DESTROY,
    RunKind.REVERT,
    RunKind.SYNC,
    RunKind.RESTORE,
)
"""Kinds of runs that say something of the code, or of whether it is in place; all others only look."""
_MOST = 10_000
"""Runs and plans of a pull request that are looked at: a stack that drops out of sight would count as untouched."""
_LONGEST_IDENTIFIER = 20
_MOST_BUTTONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """Creates each check once per commit and updates it afterwards."""

    github: GitHub
    records: Records
    turns: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary, repr=False)
    """One at a time for each commit, in this process."""

    async def refresh(
        self, repo: Repo, pull: int, head: Sha, policy: RepoPolicy, *, planning: bool = False
    ) -> None:
        """Show what the records say of every stack planned for this commit.

        Where nothing has happened but that a planning began (`planning`), what is applied is as it was: an apply
        check that the commit has already is left alone.

        A delivery and a report may ask for it at once: one after the other, so that neither creates the other's
        check a second time, nor shows older rows last.
        """
        async with self.turns.setdefault(f"{repo.full_name}@{head}", asyncio.Lock()):
            rows = await self._rows(repo, pull, head)
            async with self.records.read() as reader:
                selected = await reader.is_selected(repo.full_name, pull, head)
            required = [row for row in rows if row.stack.env in policy.merge_requires]
            others = len(rows) - len(required)
            shown = self.show(repo, pull, head, PLAN, text=plan_check(rows), buttons=(_REPLAN,))
            if planning and await self._is_there(repo, pull, head, APPLY):
                await shown
                return
            text = apply_check(required, others=others) if selected else unselected_check()
            buttons = _apply_buttons([row for row in rows if _can_be_applied(row, policy)])
            await together(shown, self.show(repo, pull, head, APPLY, text=text, buttons=buttons))

    async def conflict(self, repo: Repo, pull: int, head: Sha, paths: Sequence[str]) -> None:
        """Fail both checks: nothing can be planned."""
        for name in (PLAN, APPLY):
            await self.show(repo, pull, head, name, text=conflict_check(paths), buttons=(_REPLAN,))

    async def _is_there(self, repo: Repo, pull: int, head: Sha, name: str) -> bool:
        async with self.records.read() as reader:
            return bool(await reader.remote_id(repo.full_name, _key(pull, head, name)))

    async def _rows(self, repo: Repo, pull: int, head: Sha) -> list[CheckRow]:
        """Return what is known of each stack; an operation on a state, or the way back, says nothing of the code."""
        newest_run: dict[tuple[str, str], Run] = {}
        newest_change: dict[tuple[str, str], Run] = {}
        newest_plan: dict[tuple[str, str], PlanRecord | None] = {}
        async with self.records.read() as reader:
            for run in await reader.runs(repo=repo.full_name, pull=pull, kinds=_SPEAKING, limit=_MOST):
                key = (run.stack.project, run.stack.env)
                speaks = run.head_sha == head and run.kind is not RunKind.RESTORE and key not in newest_run
                changed = _has_changed(run) and key not in newest_change
                if not (speaks or changed) or run.operation is not None or await _plans_a_revert(reader, run):
                    continue
                if speaks:
                    newest_run[key] = run
                if changed:
                    newest_change[key] = run
            paused = await reader.paused(repo=repo.full_name, pull=pull)
            for plan in await reader.plan_outlines(repo=repo.full_name, pull=pull, limit=_MOST):
                key = (plan.stack.project, plan.stack.env)
                of_code = plan.operation is None and plan.reverts_to is None
                if plan.head_sha == head and of_code and key not in newest_plan:
                    newest_plan[key] = await reader.plan(plan.id)
        rows = [
            CheckRow(
                stack=run.stack,
                run=run,
                plan=_current(newest_plan.get(key), run),
                taken_back=_taken_back(newest_change.get(key)),
            )
            for key, run in sorted(newest_run.items())
        ]
        waiting = (wait.stack for wait in paused if (wait.stack.project, wait.stack.env) not in newest_run)
        return [*rows, *(CheckRow(stack=stack, paused=True) for stack in waiting)]

    async def show(
        self,
        repo: Repo,
        pull: int,
        head: Sha,
        name: str,
        *,
        text: CheckText,
        buttons: tuple[CheckButton, ...],
        annotations: tuple[Annotation, ...] = (),
    ) -> None:
        """Create or update one check of a commit."""
        check = Check(
            name=name,
            head_sha=head,
            conclusion=text.conclusion,
            title=text.title,
            summary=text.summary,
            external_id=str(pull),
            buttons=buttons,
            annotations=annotations,
        )
        await show_check(self.github, self.records, repo, _key(pull, head, name), check)


def _key(pull: int, head: Sha, name: str) -> str:
    return f"check:{pull}:{head}:{name}"


async def _plans_a_revert(reader: Reader, run: Run) -> bool:
    return run.kind is RunKind.PLAN and await reader.revert(run.id) is not None


def _has_changed(run: Run) -> bool:
    """Whether a run has changed the state, or may have; a restore says so itself."""
    if run.kind is RunKind.RESTORE:
        return run.detail.get("state") in TOUCHED
    return run.intent_at is not None


def _taken_back(change: Run | None) -> TakenBack | None:
    """Say what came over what was applied, where the newest change of a stack is no apply of it."""
    if change is None:
        return None
    return {RunKind.REVERT: TakenBack.REVERTED, RunKind.RESTORE: TakenBack.RESTORED}.get(change.kind)


def _current(plan: PlanRecord | None, run: Run) -> PlanRecord | None:
    """A plan that a later failed planning has superseded does not speak for the stack any more."""
    failed = run.kind is RunKind.PLAN and run.plan_id is None and run.finished_at is not None
    return None if failed else plan


def _can_be_applied(row: CheckRow, policy: RepoPolicy) -> bool:
    """Whether the policy lets anybody apply it: a button that is always refused helps nobody."""
    env = row.stack.env
    return env in policy.environments and policy.environment(env).apply.is_possible


def _apply_buttons(rows: Sequence[CheckRow]) -> tuple[CheckButton, ...]:
    buttons = []
    for row in rows:
        identifier = f"apply:{row.stack.env}"
        ready = row.plan is not None and row.plan.status is PlanStatus.PLANNED
        if ready and row.stack.project == "default" and len(identifier) <= _LONGEST_IDENTIFIER:
            label = f"Apply {row.stack.env}"
            buttons.append(
                CheckButton(
                    label=label, description=f"The same as /apply {row.stack.env}", identifier=identifier
                )
            )
    return tuple(buttons[:_MOST_BUTTONS])
