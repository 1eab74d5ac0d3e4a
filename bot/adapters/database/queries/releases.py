"""Queries and statements about releases and verifications."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy import RowMapping

from bot.adapters.database.connection.transaction import Transaction
from bot.adapters.database.queries import rows
from bot.adapters.database.queries.fields import columns_of, values_of
from bot.adapters.database.tables.releases import releases, verifications
from bot.domain.core.accounts import Account, recorded
from bot.domain.core.model import PlanId, RunId, Stack
from bot.domain.core.outcome import Outcome
from bot.domain.releases.release import CheckResult, Release, Verification

_CHECKS: Final = TypeAdapter(tuple[CheckResult, ...])


class ReleaseQueries(Transaction):
    """Reads inside one transaction."""

    async def release(self, plan_id: PlanId) -> Release | None:
        """Return the release that was applied with a plan."""
        row = await self._first(sa.select(releases).where(releases.c.plan_id == plan_id))
        return None if row is None else _to_release(row)

    async def releases(
        self, stack: Stack, *, inputs_digest: str | None = None, limit: int = 50
    ) -> Sequence[Release]:
        """Return the releases of a state, newest first."""
        query = sa.select(releases).where(releases.c.state_key == stack.state_key)
        if inputs_digest is not None:
            query = query.where(releases.c.inputs_digest == inputs_digest)
        query = query.order_by(releases.c.sequence.desc()).limit(limit)
        return [_to_release(row) for row in await self._all(query)]

    async def verification(self, run_id: RunId) -> Verification | None:
        """Return the result of a run of kind `verify`."""
        row = await self._first(sa.select(verifications).where(verifications.c.run_id == run_id))
        return None if row is None else _to_verification(row)

    async def verifications(
        self, stack: Stack, *, release: PlanId | None = None, limit: int = 50
    ) -> Sequence[Verification]:
        """Return the verifications of a state, newest first, including revoked ones."""
        query = sa.select(verifications).where(verifications.c.state_key == stack.state_key)
        if release is not None:
            query = query.where(verifications.c.release == release)
        query = query.order_by(verifications.c.sequence.desc()).limit(limit)
        return [_to_verification(row) for row in await self._all(query)]


class ReleaseStatements(ReleaseQueries):
    """Reads and writes inside one transaction."""

    async def add_release(self, release: Release) -> None:
        """Record a release; does nothing if its plan has one already."""
        values = _values(release) | {
            "arguments": list(release.arguments),
            "approvers": [each.login for each in release.approvers],
            "approver_ids": [each.id for each in release.approvers],
            "outputs": dict(release.outputs),
        }
        statement = self._insert(releases, values)
        await self._connection.execute(statement.on_conflict_do_nothing(index_elements=["plan_id"]))

    async def add_verification(self, verification: Verification) -> None:
        """Record a verification; does nothing if its run has one already."""
        values = _values(verification) | {"checks": _CHECKS.dump_python(verification.checks, mode="json")}
        statement = self._insert(verifications, values)
        await self._connection.execute(statement.on_conflict_do_nothing(index_elements=["run_id"]))

    async def revoke_verifications(
        self, stack: Stack, *, why: str, at: datetime, release: PlanId | None = None
    ) -> int:
        """Revoke the passed verifications of a state, or of one release; returns how many."""
        columns = verifications.c
        statement = sa.update(verifications).where(
            columns.state_key == stack.state_key,
            columns.outcome == Outcome.PASS,
            columns.revoked_at.is_(None),
        )
        if release is not None:
            statement = statement.where(columns.release == release)
        result = await self._connection.execute(statement.values(revoked_at=at, revoked_why=why))
        return int(result.rowcount)


def _values(value: Release | Verification) -> dict[str, Any]:
    return values_of(value, without=("stack",)) | rows.stack_values(value.stack)


def _to_release(row: RowMapping) -> Release:
    values = columns_of(Release, row)
    return Release(
        **values
        | {
            "stack": rows.to_stack(row),
            "arguments": tuple(row["arguments"]),
            "approvers": _approvers(row),
        }
    )


def _approvers(row: RowMapping) -> tuple[Account, ...]:
    logins = row["approvers"]
    # Older versions did not record ids.
    ids = row["approver_ids"] or [None] * len(logins)
    return tuple(recorded(login, each) for login, each in zip(logins, ids, strict=True))


def _to_verification(row: RowMapping) -> Verification:
    values = columns_of(Verification, row)
    return Verification(
        **values
        | {
            "stack": rows.to_stack(row),
            "outcome": Outcome(row["outcome"]),
            "checks": _CHECKS.validate_python(row["checks"]),
        }
    )
