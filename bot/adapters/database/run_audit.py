"""Queries and statements of what is recorded for those who ask later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from bot.adapters.database.run_audit_tables import artifact_downloads, ended_sessions, run_gates
from bot.adapters.database.transaction import Transaction
from bot.domain.gates import GateResult, Outcome
from bot.domain.model import RunId
from bot.domain.refusals import Reason
from bot.ports import Download

_DOWNLOAD: Final = tuple(field.name for field in fields(Download))


class RunAuditQueries(Transaction):
    """Implements `RunAuditReader`."""

    async def gates(self, run_id: RunId) -> Sequence[GateResult]:
        """Return what every gate said just before the run would change something; empty before that."""
        query = sa.select(run_gates).where(run_gates.c.run_id == run_id).order_by(run_gates.c.position)
        return [
            GateResult(
                gate=row["gate"],
                outcome=Outcome(row["outcome"]),
                sentence=row["sentence"],
                reason=None if row["reason"] is None else Reason(row["reason"]),
                opens_with=row["opens_with"],
            )
            for row in await self._all(query)
        ]

    async def downloads(self, run_id: RunId) -> Sequence[Download]:
        """Return who asked for artifacts of the run, oldest first."""
        columns = artifact_downloads.c
        query = sa.select(*(columns[name] for name in _DOWNLOAD)).where(columns.run_id == run_id)
        return [Download(**row) for row in await self._all(query.order_by(columns.sequence))]

    async def is_session_ended(self, session: str) -> bool:
        """Whether somebody logged out of this session of the pages."""
        query = sa.select(ended_sessions.c.session).where(ended_sessions.c.session == session)
        return await self._first(query) is not None


class RunAuditStatements(Transaction):
    """Implements `RunAuditWriter`."""

    async def record_gates(self, run_id: RunId, results: Sequence[GateResult]) -> None:
        """Record what the gates said; a repeated step records it anew."""
        await self._connection.execute(sa.delete(run_gates).where(run_gates.c.run_id == run_id))
        for position, result in enumerate(results):
            values = {"run_id": run_id, "position": position, **asdict(result)}
            await self._connection.execute(self._insert(run_gates, values))

    async def add_download(self, download: Download) -> None:
        """Record who asked for what."""
        await self._connection.execute(self._insert(artifact_downloads, asdict(download)))

    async def end_session(self, session: str, *, now: datetime, until: datetime) -> None:
        """Remember that a session was ended until it would end by itself; forgets those that have."""
        await self._connection.execute(sa.delete(ended_sessions).where(ended_sessions.c.until < now))
        statement = self._insert(ended_sessions, {"session": session, "until": until})
        await self._connection.execute(statement.on_conflict_do_nothing())
