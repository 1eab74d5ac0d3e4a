"""Queries and statements about measured runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

import sqlalchemy as sa

from bot.adapters.database.connection.transaction import Transaction
from bot.adapters.database.tables.measures import run_facts
from bot.domain.core.model import FailureClass, Run, RunKind
from bot.domain.measures.baseline import FactCount
from bot.domain.measures.counting import LeftOut, Result, fact_of
from bot.ports.records.measures import FactFilter, Time


class MeasureQueries(Transaction):
    """Implements `MeasureReader`."""

    async def fact_counts(self, wanted: FactFilter) -> Sequence[FactCount]:
        """Return the number of ended runs by their facts."""
        columns = run_facts.c
        facts = (columns.kind, columns.result, columns.failure_class, columns.left_out, columns.was_retried)
        query = sa.select(*facts, sa.func.count().label("count")).where(*_is_wanted(wanted)).group_by(*facts)
        return [_to_count(row) for row in await self._all(query)]

    async def times_at(self, wanted: FactFilter, time: Time, ranks: Iterable[int]) -> Mapping[int, int]:
        """Return rank -> time in milliseconds among measured runs, from 1 for the shortest."""
        column = run_facts.c[time]
        numbered = (
            sa.select(column.label("time"), sa.func.row_number().over(order_by=column).label("rank"))
            .where(*_is_wanted(wanted), run_facts.c.left_out.is_(None))
            .subquery()
        )
        query = sa.select(numbered.c.rank, numbered.c.time).where(numbered.c.rank.in_(sorted(ranks)))
        return {int(row["rank"]): int(row["time"]) for row in await self._all(query)}


class MeasureStatements(Transaction):
    """Records the facts of a run in the transaction of its end."""

    async def _add_fact(self, run: Run) -> None:
        """Record the facts of a run that has ended."""
        fact = fact_of(run, was_retried=run.detail.get("retried") is True)
        statement = self._insert(run_facts, asdict(fact) | _stack_values(run))
        await self._connection.execute(statement.on_conflict_do_nothing(index_elements=["run_id"]))


def _is_wanted(wanted: FactFilter) -> list[sa.ColumnElement[bool]]:
    columns = run_facts.c
    found = [
        columns.repo == wanted.repo,
        columns.env == wanted.env,
        columns.ended_at >= wanted.since,
        columns.ended_at < wanted.until,
    ]
    return found if wanted.project is None else [*found, columns.project == wanted.project]


def _stack_values(run: Run) -> dict[str, str]:
    return {"repo": run.stack.repo, "project": run.stack.project, "env": run.stack.env}


def _to_count(row: sa.RowMapping) -> FactCount:
    failure, omitted = row["failure_class"], row["left_out"]
    return FactCount(
        is_verification=row["kind"] == RunKind.VERIFY,
        result=Result(row["result"]),
        failure_class=None if failure is None else FailureClass(failure),
        left_out=None if omitted is None else LeftOut(omitted),
        was_retried=bool(row["was_retried"]),
        count=int(row["count"]),
    )
