"""Queries of plans without their summaries, which are large and slow to decode."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from bot.adapters.database.connection.transaction import Transaction
from bot.adapters.database.queries import rows
from bot.adapters.database.tables import core
from bot.domain.core.model import PlanId, PlanStatus, Sha, Stack
from bot.ports.records.outlines import PlanOutline

_STACK = frozenset(field.name for field in fields(Stack))
_OWN = frozenset(field.name for field in fields(PlanOutline)) - {"stack"}
_COLUMNS = [column for column in core.plans.columns if column.name in _OWN | _STACK]


class OutlineQueries(Transaction):
    """Reads outlines of plans."""

    async def plan_outlines(
        self,
        *,
        repo: str,
        pull: int | None = None,
        stack: Stack | None = None,
        statuses: Sequence[PlanStatus] = (),
        limit: int = 100,
    ) -> Sequence[PlanOutline]:
        """Return plans, newest first; `stack` compares repository, project and environment."""
        query = plans_query(_COLUMNS, repo=repo, pull=pull, stack=stack, statuses=statuses, limit=limit)
        return [_outline(row) for row in await self._all(query)]

    async def outlines_of(self, ids: Sequence[PlanId]) -> Sequence[PlanOutline]:
        """Return these plans, without those that do not exist, in no order."""
        query = sa.select(*_COLUMNS).where(core.plans.c.id.in_(ids))
        return [_outline(row) for row in await self._all(query)]

    async def pulls_planned_at(self, repo: str, head: Sha) -> tuple[int, ...]:
        """Return the pull requests with an applicable plan of this commit, in ascending order."""
        columns = core.plans.c
        query = (
            sa.select(columns.pull)
            .where(columns.repo == repo, columns.head_sha == head, columns.pull.is_not(None))
            .where(columns.status == PlanStatus.PLANNED)
            .distinct()
            .order_by(columns.pull)
        )
        return tuple(int(row["pull"]) for row in await self._all(query))


def plans_query(
    selected: Iterable[sa.Column[Any]],
    *,
    repo: str,
    pull: int | None,
    stack: Stack | None,
    statuses: Sequence[PlanStatus],
    limit: int,
) -> sa.Select[Any]:
    """Return the query of a repository's plans, newest first.

    `stack` compares repository, project and environment.
    """
    columns = core.plans.c
    query = sa.select(*selected).where(columns.repo == repo)
    query = query.order_by(columns.sequence.desc()).limit(limit)
    if pull is not None:
        query = query.where(columns.pull == pull)
    if stack is not None:
        query = query.where(
            columns.repo == stack.repo, columns.project == stack.project, columns.env == stack.env
        )
    return query.where(columns.status.in_(statuses)) if statuses else query


def has_risk_summary(plan_id: PlanId | None) -> sa.ColumnElement[bool]:
    """Return whether the risk of a plan is recorded."""
    # Each recorded plan has its risk. PostgreSQL cannot look into a summary whose text contains NUL.
    return sa.false() if plan_id is None else sa.exists().where(core.plans.c.id == plan_id)


def _outline(row: sa.RowMapping) -> PlanOutline:
    own = {name: row[name] for name in _OWN}
    read = {
        "stack": rows.to_stack(row),
        "status": PlanStatus(row["status"]),
        "operation": rows.to_operation(row["operation"]),
    }
    return PlanOutline(**own | read)
