"""Queries and statements about holds, waits, lock events and overrides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from bot.adapters.database.connection.transaction import Transaction
from bot.adapters.database.queries.fields import account_values, columns_of, values_of
from bot.adapters.database.queries.rows import stack_values, to_stack
from bot.adapters.database.tables import coordination as own
from bot.adapters.database.tables import core
from bot.domain.core.accounts import Account
from bot.domain.core.model import EnvName, PlanId, PlanStatus, RunId, Sha, Stack, StateKey
from bot.domain.environments.waits import LockAct, LockEvent, Outdated, Wait, WaitReason
from bot.domain.gates.freezes import Hold, HoldCause
from bot.domain.gates.overrides import Override

_OPEN: Final = (PlanStatus.PLANNED, PlanStatus.NO_CHANGES)


class CoordinationQueries(Transaction):
    """Reads inside one transaction."""

    async def holds(self, *, repo: str | None = None, env: EnvName | None = None) -> Sequence[Hold]:
        """Return the active holds that apply to a repository and environment, oldest first."""
        columns = own.holds.c
        query = sa.select(own.holds).where(columns.lifted_at.is_(None)).order_by(columns.sequence)
        # A hold without a repository or an environment applies to all of them.
        if repo is not None:
            query = query.where(sa.or_(columns.repo.is_(None), columns.repo == repo))
        if env is not None:
            query = query.where(sa.or_(columns.env.is_(None), columns.env == env))
        return [_to_hold(row) for row in await self._all(query)]

    async def lifted_holds(self, *, repo: str, env: EnvName, why: str) -> Sequence[Hold]:
        """Return the holds of an environment that were lifted with this exact reason, oldest first."""
        columns = own.holds.c
        query = sa.select(own.holds).where(
            columns.repo == repo, columns.env == env, columns.lifted_why == why
        )
        return [_to_hold(row) for row in await self._all(query.order_by(columns.sequence))]

    async def lock_events(
        self, *, repo: str, pull: int | None = None, limit: int = 100
    ) -> Sequence[LockEvent]:
        """Return the events of locks, newest first."""
        columns = own.lock_events.c
        query = sa.select(own.lock_events).where(columns.repo == repo)
        if pull is not None:
            query = query.where(columns.pull == pull)
        query = query.order_by(columns.sequence.desc()).limit(limit)
        return [
            LockEvent(**columns_of(LockEvent, row) | {"stack": to_stack(row), "act": LockAct(row["act"])})
            for row in await self._all(query)
        ]

    async def waits(self, state_key: StateKey, *, limit: int = 100) -> Sequence[Wait]:
        """Return the pull requests that wait for a state: refused applies first, then oldest first."""
        columns = own.lock_waits.c
        query = sa.select(own.lock_waits).where(columns.state_key == state_key)
        # The values of WaitReason sort in this order.
        query = query.order_by(columns.reason, columns.since, columns.sequence).limit(limit)
        return [_to_wait(row) for row in await self._all(query)]

    async def paused(self, *, repo: str, pull: int) -> Sequence[Wait]:
        """Return the stacks that are not planned on a pull request because a revert is pending."""
        columns = own.lock_waits.c
        query = sa.select(own.lock_waits).where(columns.repo == repo, columns.pull == pull)
        query = query.where(columns.reason == WaitReason.REVERT).order_by(columns.sequence)
        return [_to_wait(row) for row in await self._all(query)]

    async def unshown_plans(
        self, *, repo: str, pull: int | None = None, limit: int = 100
    ) -> Sequence[PlanId]:
        """Return the plans whose comments do not show their current status, oldest first."""
        columns = own.unshown_plans.c
        # A plan without a comment is skipped: its report, which is still to be posted, will show its status.
        unposted = sa.exists().where(core.plans.c.id == columns.plan_id, core.plans.c.posted_at.is_(None))
        query = sa.select(columns.plan_id).where(columns.repo == repo, ~unposted)
        if pull is not None:
            query = query.where(columns.pull == pull)
        query = query.order_by(columns.since, columns.plan_id).limit(limit)
        return [PlanId(row["plan_id"]) for row in await self._all(query)]

    async def unshown_repositories(self) -> Sequence[str]:
        """Return the repositories that have such plans, by name."""
        column = own.unshown_plans.c.repo
        return [str(row["repo"]) for row in await self._all(sa.select(column).distinct().order_by(column))]

    async def overrides(self, *, repo: str, pull: int) -> Sequence[Override]:
        """Return every override of a pull request, oldest first."""
        columns = own.overrides.c
        query = sa.select(own.overrides).where(columns.repo == repo, columns.pull == pull)
        return [_to_override(row) for row in await self._all(query.order_by(columns.sequence))]

    async def approvals_void_before(self, repo: str, pull: int) -> datetime | None:
        """Return the time before which approvals do not count; None if all count."""
        columns = own.void_approvals.c
        query = sa.select(columns.until).where(columns.repo == repo, columns.pull == pull)
        row = await self._first(query)
        return None if row is None else row["until"]


class CoordinationStatements(CoordinationQueries):
    """Writes inside one transaction."""

    async def add_hold(self, hold: Hold) -> Hold:
        """Record a hold; returns it with its number."""
        values = values_of(hold, without=("number",))
        row = await self._first(self._insert(own.holds, values).returning(own.holds))
        return hold if row is None else _to_hold(row)

    async def lift_hold(self, number: int, *, by: Account, at: datetime, why: str) -> None:
        """Record that a hold was lifted; does nothing if it was lifted before."""
        columns = own.holds.c
        statement = sa.update(own.holds).where(columns.sequence == number, columns.lifted_at.is_(None))
        await self._connection.execute(
            statement.values(lifted_at=at, lifted_why=why, **account_values("lifted_by", by))
        )

    async def add_lock_event(self, event: LockEvent) -> None:
        """Record an event of a lock."""
        values = values_of(event, without=("stack",)) | stack_values(event.stack)
        await self._connection.execute(self._insert(own.lock_events, values))

    async def add_wait(self, wait: Wait) -> None:
        """Record a wait; a pending revert replaces any other reason, a refused apply a stale plan."""
        values = values_of(wait, without=("stack", "number")) | stack_values(wait.stack)
        statement = self._insert(own.lock_waits, values)
        key = ["state_key", "repo", "project", "env", "pull"]
        # A recorded reason is replaced only by a stronger one: STALE is the weakest, REVERT the strongest.
        if wait.reason is WaitReason.STALE:
            statement = statement.on_conflict_do_nothing(index_elements=key)
        else:
            outranked = (
                None if wait.reason is WaitReason.REVERT else own.lock_waits.c.reason == WaitReason.STALE
            )
            statement = statement.on_conflict_do_update(
                index_elements=key, set_={"reason": wait.reason}, where=outranked
            )
        await self._connection.execute(statement)

    async def end_wait(self, number: int) -> None:
        """Delete a wait."""
        await self._connection.execute(sa.delete(own.lock_waits).where(own.lock_waits.c.sequence == number))

    async def end_waits(self, *, repo: str, pull: int) -> None:
        """Delete all waits of a pull request."""
        columns = own.lock_waits.c
        await self._connection.execute(
            sa.delete(own.lock_waits).where(columns.repo == repo, columns.pull == pull)
        )

    async def outdate(
        self,
        stacks: Sequence[Stack],
        *,
        pulls: Sequence[int] | None,
        why: str,
        but: PlanId | None = None,
        unless_base: Sha | None = None,
    ) -> Sequence[Outdated]:
        """Mark the open plans of stacks stale; returns them.

        `pulls` limits this to plans of these pull requests, without plans of reverts.
        """
        columns = core.plans.c
        found: list[Outdated] = []
        for stack in stacks:
            statement = sa.update(core.plans).where(
                columns.state_key == stack.state_key,
                columns.status.in_(_OPEN),
                columns.pull.is_not(None),
                columns.id != (but or ""),
                columns.base_sha != (unless_base or ""),
            )
            if pulls is not None:
                # `pulls` is given after a push. A revert is planned from its release, which no push changes.
                own_code = columns.reverts_to.is_(None)
                statement = statement.where(columns.repo == stack.repo, columns.pull.in_(pulls), own_code)
            statement = statement.values(status=PlanStatus.STALE, status_reason=why)
            rows = await self._all(statement.returning(core.plans))
            found += [
                Outdated(plan=PlanId(row["id"]), stack=to_stack(row), pull=int(row["pull"])) for row in rows
            ]
        return found

    async def mark_unshown(self, repo: str, pull: int, plan: PlanId, at: datetime) -> None:
        """Record that a plan's comment is out of date."""
        values = {"plan_id": plan, "repo": repo, "pull": pull, "since": at}
        statement = self._insert(own.unshown_plans, values)
        await self._connection.execute(statement.on_conflict_do_nothing(index_elements=["plan_id"]))

    async def mark_all_unshown(self, at: datetime) -> None:
        """Record that the comments of all plans that can be applied are out of date."""
        columns = core.plans.c
        query = sa.select(columns.repo, columns.pull, columns.id).where(
            columns.status == PlanStatus.PLANNED, columns.pull.is_not(None)
        )
        for row in await self._all(query):
            await self.mark_unshown(row["repo"], row["pull"], PlanId(row["id"]), at)

    async def mark_shown(self, plan: PlanId) -> None:
        """Record that a plan's comment is up to date."""
        await self._connection.execute(
            sa.delete(own.unshown_plans).where(own.unshown_plans.c.plan_id == plan)
        )

    async def add_override(self, override: Override) -> Override:
        """Record a request for an override; returns it with its number."""
        values = values_of(override, without=("number",))
        row = await self._first(self._insert(own.overrides, values).returning(own.overrides))
        return override if row is None else _to_override(row)

    async def confirm_override(self, number: int, *, by: Account, at: datetime) -> None:
        """Record who confirmed an override; does nothing if it was confirmed before."""
        columns = own.overrides.c
        statement = sa.update(own.overrides).where(columns.sequence == number, columns.confirmed_by.is_(None))
        await self._connection.execute(
            statement.values(confirmed_at=at, **account_values("confirmed_by", by))
        )

    async def use_override(self, number: int, run: RunId) -> None:
        """Record the apply that used an override; does nothing if it was used before."""
        columns = own.overrides.c
        statement = sa.update(own.overrides).where(columns.sequence == number, columns.used_run.is_(None))
        await self._connection.execute(statement.values(used_run=run))

    async def void_approvals(self, repo: str, pull: int, at: datetime) -> None:
        """Record that approvals given before then do not count."""
        statement = self._insert(own.void_approvals, {"repo": repo, "pull": pull, "until": at})
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=["repo", "pull"], set_={"until": at})
        )


def _to_hold(row: sa.RowMapping) -> Hold:
    return Hold(**columns_of(Hold, row) | {"cause": HoldCause(row["cause"]), "number": int(row["sequence"])})


def _to_wait(row: sa.RowMapping) -> Wait:
    more = {"stack": to_stack(row), "reason": WaitReason(row["reason"]), "number": int(row["sequence"])}
    return Wait(**columns_of(Wait, row) | more)


def _to_override(row: sa.RowMapping) -> Override:
    return Override(**columns_of(Override, row) | {"number": int(row["sequence"])})
