"""The check runs of a pull request's head: `gatewright/plan`, `gatewright/apply` and others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.comments.checks.checks import (
    CheckRow,
    CheckText,
    Conclusion,
    apply_check,
    conflict_check,
    plan_check,
    unselected_check,
)
from bot.domain.core.model import PlanStatus, Repo, Run, RunKind, Sha, Stack
from bot.policy import RepoPolicy
from bot.ports import Annotation, Check, CheckButton, Records
from bot.services.reporting.check_rows import HeadRows, head_rows
from bot.services.reporting.check_runs import CheckRuns
from bot.services.runs.links import Links

PLAN, APPLY = "gatewright/plan", "gatewright/apply"
_REPLAN: Final = CheckButton(
    label="Plan again", description="The same as the comment /plan", identifier="plan"
)
_LONGEST_IDENTIFIER: Final = 20
_MOST_BUTTONS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """Renders the checks of a head, and writes them with `CheckRuns`."""

    records: Records
    runs: CheckRuns
    links: Links

    async def refresh(
        self, repo: Repo, pull: int, head: Sha, policy: RepoPolicy, *, planning: bool = False
    ) -> None:
        """Update the checks of this commit from the records.

        `planning`: only a plan run was queued, so an existing apply check is not changed.
        """
        # A delivery and a report may request this at the same time in two processes. Turns make sure that the one that
        # writes last has read last.
        async with self.runs.turns.take(repo, head, reads_all_of=None if planning else pull) as is_mine:
            if not is_mine:
                return
            about = await self.runs.head(repo, pull, head)
            async with self.records.read() as reader:
                rows = await head_rows(reader, repo, about, policy)
                # Read once for both checks: one never changes what is known of the other.
                written = await reader.written_checks(repo.full_name, about.sha)
            # The page of the newest plan, not of a running apply: otherwise each apply would cost a request here.
            url = self._page(repo, pull, rows.newest_plan or rows.newest)
            text = plan_check(rows.planned, unplanned=_by_command(rows, policy))
            await self.runs.write_onto(
                written, repo, about, _check(PLAN, head, text, url=url, buttons=(_REPLAN,))
            )
            if planning and any(one.key == about.key(APPLY) for one in written):
                return
            url = self._page(repo, pull, rows.newest)
            text, buttons = _apply_text(rows, policy), _apply_buttons(rows, policy)
            await self.runs.write_onto(
                written, repo, about, _check(APPLY, head, text, url=url, buttons=buttons)
            )

    async def conflict(self, repo: Repo, pull: int, head: Sha, paths: Sequence[str]) -> None:
        """Show in both checks that the pull request does not merge."""
        for name in (PLAN, APPLY):
            text = conflict_check(paths, is_red=name == PLAN)
            await self.show(repo, pull, head, name, text=text, buttons=(_REPLAN,))

    async def show(
        self,
        repo: Repo,
        pull: int,
        head: Sha,
        name: str,
        *,
        text: CheckText,
        buttons: tuple[CheckButton, ...] = (),
        annotations: tuple[Annotation, ...] = (),
        url: str | None = None,
    ) -> None:
        """Create or update one check of a commit."""
        about = await self.runs.head(repo, pull, head)
        url = url or self._page(repo, pull, None)
        check = _check(name, head, text, url=url, buttons=buttons, annotations=annotations)
        await self.runs.show(repo, about, check)

    def _page(self, repo: Repo, pull: int, run: Run | None) -> str:
        return self.links.runs(repo.full_name, pull) if run is None else self.links.run(run.id)


def _check(
    name: str,
    head: Sha,
    text: CheckText,
    *,
    url: str,
    buttons: tuple[CheckButton, ...] = (),
    annotations: tuple[Annotation, ...] = (),
) -> Check:
    return Check(
        name=name,
        head_sha=head,
        conclusion=text.conclusion,
        title=text.title,
        summary=text.summary,
        details_url=url,
        buttons=buttons,
        annotations=annotations,
        is_waiting=text.is_waiting,
    )


def _by_command(rows: HeadRows, policy: RepoPolicy) -> tuple[Stack, ...]:
    return tuple(stack for stack in rows.unplanned if not policy.environment(stack.env).autoplan)


def _apply_text(rows: HeadRows, policy: RepoPolicy) -> CheckText:
    is_merged = any(row.run is not None and row.run.kind is RunKind.SYNC for row in rows.planned)
    if is_merged:
        # No merge waits for the check of a commit that is merged already, and it must not stay incomplete.
        text = _required_text(rows, policy)
        return replace(text, conclusion=Conclusion.NEUTRAL, is_waiting=False) if text.is_waiting else text
    return _required_text(rows, policy) if rows.is_complete else unselected_check()


def _required_text(rows: HeadRows, policy: RepoPolicy) -> CheckText:
    required = [row for row in rows.planned if row.stack.env in policy.merge_requires]
    unplanned = [stack for stack in rows.unplanned if stack.env in policy.merge_requires]
    others = len(rows.planned) + len(rows.unplanned) - len(required) - len(unplanned)
    return apply_check(required, unplanned=unplanned, others=others)


def _apply_buttons(rows: HeadRows, policy: RepoPolicy) -> tuple[CheckButton, ...]:
    """Return a button for each plan that can be applied; none while a change is in progress."""
    # An apply would be refused while another change is in progress.
    if any(row.change is not None for row in rows.planned):
        return ()
    found = [_apply_button(row.stack) for row in rows.planned if _can_be_applied(row, policy)]
    return tuple(button for button in found if len(button.identifier) <= _LONGEST_IDENTIFIER)[:_MOST_BUTTONS]


def _can_be_applied(row: CheckRow, policy: RepoPolicy) -> bool:
    """Whether the policy allows an apply of the row's plan."""
    # The identifier of a button names only the environment, so plans of other projects have no button.
    if row.plan is None or row.plan.status is not PlanStatus.PLANNED or row.stack.project != "default":
        return False
    env = row.stack.env
    return env in policy.environments and policy.environment(env).apply.is_possible


def _apply_button(stack: Stack) -> CheckButton:
    return CheckButton(
        label=f"Apply {stack.env}",
        description=f"The same as /apply {stack.env}",
        identifier=f"apply:{stack.env}",
    )
