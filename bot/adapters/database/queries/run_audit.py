"""Queries and statements about judged gates, artifact downloads and ended sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from bot.adapters.database.connection.transaction import Transaction
from bot.adapters.database.queries.fields import account_values, columns_of, values_of
from bot.adapters.database.tables.run_audit import artifact_downloads, ended_sessions, run_gates
from bot.domain.core.accounts import recorded
from bot.domain.core.model import RunId
from bot.domain.core.refusals import Reason
from bot.domain.gates import GateResult, Outcome
from bot.ports import Download


class RunAuditQueries(Transaction):
    """Implements `RunAuditReader`."""

    async def gates(self, run_id: RunId) -> Sequence[GateResult]:
        """Return the gate results from just before a run's change; empty if there are none yet."""
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
        """Return the requests for artifacts of the run, oldest first."""
        columns = artifact_downloads.c
        query = sa.select(artifact_downloads).where(columns.run_id == run_id).order_by(columns.sequence)
        return [
            Download(**columns_of(Download, row) | {"by": recorded(row["login"], row["login_id"])})
            for row in await self._all(query)
        ]

    async def is_session_ended(self, session: str) -> bool:
        """Whether this session of the web pages was ended by logging out."""
        query = sa.select(ended_sessions.c.session).where(ended_sessions.c.session == session)
        return await self._first(query) is not None


class RunAuditStatements(Transaction):
    """Implements `RunAuditWriter`."""

    async def record_gates(self, run_id: RunId, results: Sequence[GateResult]) -> None:
        """Record the gate results of a run; replaces those of an earlier attempt."""
        # A repeated step may have fewer gates than the attempt before.
        await self._connection.execute(sa.delete(run_gates).where(run_gates.c.run_id == run_id))
        for position, result in enumerate(results):
            values = {"run_id": run_id, "position": position, **asdict(result)}
            await self._connection.execute(self._insert(run_gates, values))

    async def add_download(self, download: Download) -> None:
        """Record a request for an artifact."""
        values = values_of(download, without=("by", "by_id")) | account_values("login", download.by)
        await self._connection.execute(self._insert(artifact_downloads, values))

    async def end_session(self, session: str, *, now: datetime, until: datetime) -> None:
        """Record that a session was ended; deletes records of sessions that have expired since."""
        await self._connection.execute(sa.delete(ended_sessions).where(ended_sessions.c.until < now))
        statement = self._insert(ended_sessions, {"session": session, "until": until})
        await self._connection.execute(statement.on_conflict_do_nothing())
