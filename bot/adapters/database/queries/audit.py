"""The export of the audit: which columns of which tables it contains.

Deliberately excluded are bodies of deliveries, texts of plans and policies, details of runs, outputs and
results of checks: they may be confidential, and are not needed to know who did what and when.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database.queries.forks import allowed_commits
from bot.adapters.database.queries.pull_heads import pull_heads
from bot.adapters.database.queries.restores import restores
from bot.adapters.database.tables.coordination import holds, lock_events, overrides
from bot.adapters.database.tables.core import (
    artifacts,
    deliveries,
    locks,
    plans,
    policy_versions,
    run_timeline,
    runs,
    state_versions,
)
from bot.adapters.database.tables.measures import run_facts
from bot.adapters.database.tables.releases import releases, verifications
from bot.adapters.database.tables.reverts import reverts
from bot.adapters.database.tables.run_audit import artifact_downloads, run_gates
from bot.adapters.database.tables.types import UtcDateTime

_ROWS_AT_ONCE: Final = 500
_STACK: Final = ("repo", "project", "env", "state_key")
_COMMITS: Final = ("head_sha", "base_sha", "merge_tree")
_DIGESTS: Final = (
    "inputs_digest",
    "fetched_digest",
    "var_file_digest",
    "change_digest",
    "plan_sha256",
    "policy_digest",
    "engine",
    "arguments",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of record in the export."""

    name: str
    about: str
    table: sa.Table
    columns: tuple[str, ...]
    time: str | None
    """The column to filter and order by; None: the creation time of its run."""
    of_run: bool = False
    """Whether its repository is that of its run."""

    def fields(self) -> dict[str, sa.Column[Any]]:
        """Return field -> column, in the order of the export."""
        own = {name: self.table.c[name] for name in self.columns}
        return {"repo": runs.c.repo, **own} if self.of_run else own


KINDS: Final = (
    Kind(
        name="delivery",
        about="A webhook delivery: when it arrived, and its outcome.",
        table=deliveries,
        columns=("id", "event", "action", "repo", "pull", "received_at", "outcome", "note"),
        time="received_at",
    ),
    Kind(
        name="run",
        about="One execution on one stack: who requested it, and how it ended.",
        table=runs,
        columns=(
            *(
                "id",
                "kind",
                "status",
                *_STACK,
                "pull",
                "head_sha",
                "base_sha",
                "actor",
                "actor_id",
                "comment_id",
                "plan_id",
            ),
            *(
                "arguments",
                "policy_digest",
                "correlation_id",
                "failure_class",
                "summary",
                "cancel_requested_by",
                "cancel_requested_by_id",
            ),
            *(
                "head_number",
                "has_risk_summary",
                "operation",
                "intent_at",
                "created_at",
                "started_at",
                "finished_at",
            ),
        ),
        time="created_at",
    ),
    Kind(
        name="transition",
        about="A change of a run's status.",
        table=run_timeline,
        columns=("run_id", "status", "at", "actor", "actor_id", "why"),
        time="at",
        of_run=True,
    ),
    Kind(
        name="run_fact",
        about="What is measured of an ended run; `left_out` says why a run is not measured.",
        table=run_facts,
        columns=(
            *("run_id", "repo", "project", "env", "kind", "result", "failure_class", "left_out"),
            *("was_retried", "queue_ms", "run_ms", "ended_at"),
        ),
        time="ended_at",
    ),
    Kind(
        name="gate",
        about="The last result of a gate before a run's change.",
        table=run_gates,
        columns=("run_id", "position", "gate", "outcome", "reason", "sentence", "opens_with"),
        time=None,
        of_run=True,
    ),
    Kind(
        name="plan",
        about="A plan's facts, without its text.",
        table=plans,
        columns=(
            *(
                "id",
                "run_id",
                *_STACK,
                "pull",
                *_COMMITS,
                *_DIGESTS,
                "state_serial",
                "state_lineage",
                "has_changes",
                "reverts_to",
                "operation",
                "head_number",
            ),
            *(
                "status",
                "status_reason",
                "created_by",
                "created_by_id",
                "created_at",
                "posted_at",
                "expires_at",
            ),
        ),
        time="created_at",
    ),
    Kind(
        name="release",
        about="An applied plan with its source, and who had approved it.",
        table=releases,
        columns=(
            *("plan_id", "run_id", *_STACK, "pull", *_COMMITS, *_DIGESTS, "changed", "source_digest"),
            *(
                "state_serial",
                "state_lineage",
                "actor",
                "actor_id",
                "approvers",
                "approver_ids",
                "recorded_at",
            ),
        ),
        time="recorded_at",
    ),
    Kind(
        name="verification",
        about="Whether a release was verified, and whether that was revoked.",
        table=verifications,
        columns=(
            *("run_id", "release", *_STACK, "outcome", "inputs_digest", "change_digest", "state_serial"),
            *(
                "state_lineage",
                "policy_digest",
                "actor",
                "actor_id",
                "verified_at",
                "revoked_at",
                "revoked_why",
            ),
        ),
        time="verified_at",
    ),
    Kind(
        name="revert",
        about="A request to go back to an earlier release, and when it ended.",
        table=reverts,
        columns=(
            *(
                "run_id",
                *_STACK,
                "pull",
                "target",
                "undone",
                "asked_by",
                "asked_by_id",
                "asked_at",
                "plan_id",
            ),
            *("finished_at", "opened_pull"),
        ),
        time="asked_at",
    ),
    Kind(
        name="restore",
        about="An older version of a state was restored: which one, and the confirmed count.",
        table=restores,
        columns=(
            *(
                "run_id",
                *_STACK,
                "pull",
                "serial",
                "source_key",
                "confirmed",
                "asked_by",
                "asked_by_id",
                "asked_at",
            ),
            *("written_serial", "written_sha256"),
        ),
        time="asked_at",
    ),
    Kind(
        name="lock",
        about="A current lock.",
        table=locks,
        columns=(*_STACK, "pull", "holder", "holder_id", "run_id", "since", "reason"),
        time="since",
    ),
    Kind(
        name="lock_event",
        about="A lock was taken, passed on or lost.",
        table=lock_events,
        columns=(*_STACK, "pull", "act", "actor", "actor_id", "why", "at", "cause"),
        time="at",
    ),
    Kind(
        name="hold",
        about="A freeze of an environment, and who lifted it.",
        table=holds,
        columns=(
            *("repo", "env", "cause", "reason", "by", "by_id", "since", "pull", "run_id"),
            *("lifted_at", "lifted_by", "lifted_by_id", "lifted_why"),
        ),
        time="since",
    ),
    Kind(
        name="override",
        about="A request to open a gate, and who confirmed it.",
        table=overrides,
        columns=(
            *(
                "repo",
                "pull",
                "project",
                "env",
                "gate",
                "reason",
                "asked_by",
                "asked_by_id",
                "asked_at",
                "expires_at",
            ),
            *("confirmed_by", "confirmed_by_id", "confirmed_at", "used_run"),
        ),
        time="asked_at",
    ),
    Kind(
        name="state_version",
        about="A snapshot of a state, before or after a change.",
        table=state_versions,
        columns=(
            *(
                "state_key",
                "serial",
                "lineage",
                "sha256",
                "object_key",
                "commit",
                "actor",
                "actor_id",
                "run_id",
            ),
            *("moment", "taken_at"),
        ),
        time="taken_at",
        of_run=True,
    ),
    Kind(
        name="artifact",
        about="A sensitive output that is stored, without its value.",
        table=artifacts,
        columns=("run_id", "name", "object_key", "created_at"),
        time="created_at",
        of_run=True,
    ),
    Kind(
        name="download",
        about="A request for an artifact, and whether it was given.",
        table=artifact_downloads,
        columns=("run_id", "name", "login", "login_id", "at", "allowed"),
        time="at",
        of_run=True,
    ),
    Kind(
        name="head",
        about="A commit became the head of a pull request; the delivery that reported it, if there was one.",
        table=pull_heads,
        columns=("repo", "pull", "number", "head_sha", "delivery_id", "recorded_at"),
        time="recorded_at",
    ),
    Kind(
        name="allowed_commit",
        about="A maintainer allowed a commit of a fork to run.",
        table=allowed_commits,
        columns=("repo", "pull", "head_sha", "by", "by_id", "at"),
        time="at",
    ),
    Kind(
        name="policy",
        about="A version of a repository's policy, by its digest.",
        table=policy_versions,
        columns=("repo", "digest", "commit", "recorded_at"),
        time="recorded_at",
    ),
)
"""All kinds, in the order of the export."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The filter of an export."""

    since: datetime | None = None
    """Earliest time, inclusive."""
    until: datetime | None = None
    """Latest time, exclusive."""
    repo: str | None = None
    """`owner/name`; excludes records that are about no repository, or about all."""


async def audit(connection: AsyncConnection, wanted: Wanted) -> AsyncGenerator[dict[str, Any]]:
    """Yield the requested records as JSON values, kind by kind, oldest first.

    The field `record` names the kind.
    """
    for kind in KINDS:
        # Streamed, since a table may be larger than the memory of the process.
        async with connection.stream(
            _query(kind, wanted), execution_options={"yield_per": _ROWS_AT_ONCE}
        ) as rows:
            async for row in rows.mappings():
                yield {"record": kind.name, **_values(row)}


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a line of the export."""
    kinds = [
        {
            "title": kind.name,
            "description": kind.about,
            "type": "object",
            "properties": {
                "record": {"const": kind.name},
                **{name: _json_type(column) for name, column in kind.fields().items()},
            },
            "required": ["record", *kind.fields()],
            "additionalProperties": False,
        }
        for kind in KINDS
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of `gatewright export`",
        "oneOf": kinds,
    }


def _query(kind: Kind, wanted: Wanted) -> sa.Select[Any]:
    table = kind.table
    time = runs.c.created_at if kind.time is None else table.c[kind.time]
    columns = [table.c[name] for name in kind.columns]
    repo = runs.c.repo if kind.of_run else table.c.repo
    query = sa.select(repo, *columns) if kind.of_run else sa.select(*columns)
    if kind.of_run:
        query = query.select_from(table.join(runs, table.c.run_id == runs.c.id))
    if wanted.since is not None:
        query = query.where(time >= wanted.since)
    if wanted.until is not None:
        query = query.where(time < wanted.until)
    if wanted.repo is not None:
        query = query.where(repo == wanted.repo)
    # The primary key makes the order of records with equal times stable.
    return query.order_by(time, *table.primary_key.columns)


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        if isinstance(value, datetime)
        else value
        for name, value in row.items()
    }


def _json_type(column: sa.Column[Any]) -> dict[str, Any]:
    type_ = column.type
    if isinstance(type_, UtcDateTime):
        return {"type": ["string", "null"], "format": "date-time"}
    if isinstance(type_, sa.JSON):
        if type_.none_as_null:
            return {"type": ["object", "null"]}
        return {"type": ["array", "null"] if column.nullable else "array"}
    if isinstance(type_, sa.Boolean):
        return {"type": "boolean"}
    if isinstance(type_, sa.BigInteger):
        return {"type": ["integer", "null"]}
    return {"type": ["string", "null"]}
