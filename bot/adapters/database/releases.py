"""Queries and statements about releases and verifications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy import RowMapping

from bot.adapters.database import rows
from bot.adapters.database.release_tables import releases, verifications
from bot.adapters.database.transaction import Transaction
from bot.domain.model import Login, PlanId, RunId, Stack
from bot.domain.outcome import Outcome
from bot.domain.release import CheckResult, Release, Verification

_CHECKS: Final = TypeAdapter(tuple[CheckResult, ...])


class ReleaseQueries(Transaction):
    """Reads of one transaction."""

    async def release(self, plan_id: PlanId) -> Release | None:
        """Return the release that a plan made."""
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
        """Return what a run of kind `verify` found."""
        row = await self._first(sa.select(verifications).where(verifications.c.run_id == run_id))
        return None if row is None else _to_verification(row)

    async def verifications(
        self, stack: Stack, *, release: PlanId | None = None, limit: int = 50
    ) -> Sequence[Verification]:
        """Return the verifications of a state, newest first, revoked ones too."""
        query = sa.select(verifications).where(verifications.c.state_key == stack.state_key)
        if release is not None:
            query = query.where(verifications.c.release == release)
        query = query.order_by(verifications.c.sequence.desc()).limit(limit)
        return [_to_verification(row) for row in await self._all(query)]


class ReleaseStatements(ReleaseQueries):
    """Reads and writes of one transaction."""

    async def add_release(self, release: Release) -> None:
        """Record a release; the same plan is recorded once."""
        values = _values(release) | {
            "arguments": list(release.arguments),
            "approvers": list(release.approvers),
            "outputs": dict(release.outputs),
        }
        statement = self._insert(releases, values)
        await self._connection.execute(statement.on_conflict_do_nothing(index_elements=["plan_id"]))

    async def add_verification(self, verification: Verification) -> None:
        """Record a verification; one per run."""
        values = _values(verification) | {"checks": _CHECKS.dump_python(verification.checks, mode="json")}
        statement = self._insert(verifications, values)
        await self._connection.execute(statement.on_conflict_do_nothing(index_elements=["run_id"]))

    async def revoke_verifications(
        self, stack: Stack, *, why: str, at: datetime, release: PlanId | None = None
    ) -> int:
        """Take back the passes of a state, or of one of its releases; returns how many there were."""
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
    own = {field.name: getattr(value, field.name) for field in fields(value) if field.name != "stack"}
    return own | rows.stack_values(value.stack)


def _to_release(row: RowMapping) -> Release:
    values = {field.name: row[field.name] for field in fields(Release) if field.name in row}
    return Release(
        **values
        | {
            "stack": rows.to_stack(row),
            "arguments": tuple(row["arguments"]),
            "approvers": tuple(Login(login) for login in row["approvers"]),
        }
    )


def _to_verification(row: RowMapping) -> Verification:
    values = {field.name: row[field.name] for field in fields(Verification) if field.name in row}
    return Verification(
        **values
        | {
            "stack": rows.to_stack(row),
            "outcome": Outcome(row["outcome"]),
            "checks": _CHECKS.validate_python(row["checks"]),
        }
    )
