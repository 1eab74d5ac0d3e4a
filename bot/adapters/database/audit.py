"""The audit, row by row: which columns of which table are told, and which are not.

What is left out on purpose: bodies of deliveries, the text of plans and of policies, what runs keep for their reports,
outputs, and what checks said. None of it is needed to know who did what and when, and some of it may be confidential.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database.coordination_tables import holds, lock_events, overrides
from bot.adapters.database.forks import allowed_commits
from bot.adapters.database.release_tables import releases, verifications
from bot.adapters.database.restores import restores
from bot.adapters.database.revert_tables import reverts
from bot.adapters.database.run_audit_tables import artifact_downloads, run_gates
from bot.adapters.database.tables import (
    artifacts,
    deliveries,
    locks,
    plans,
    policy_versions,
    run_timeline,
    runs,
    state_versions,
)
from bot.adapters.database.types import UtcDateTime

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
    """The column by which it is filtered and ordered; None: the time at which its run was created."""
    of_run: bool = False
    """Its repository is that of its run."""

    def fields(self) -> dict[str, sa.types.TypeEngine[Any]]:
        """Return field -> type, in the order of the export."""
        own = {name: self.table.c[name].type for name in self.columns}
        return {"repo": runs.c.repo.type, **own} if self.of_run else own


KINDS: Final = (
    Kind(
        name="delivery",
        about="A webhook delivery: when it came, and what became of it.",
        table=deliveries,
        columns=("id", "event", "action", "repo", "pull", "received_at", "outcome", "note"),
        time="received_at",
    ),
    Kind(
        name="run",
        about="One execution on one stack: who asked for it, and how it ended.",
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
            ),
            *("operation", "intent_at", "created_at", "started_at", "finished_at"),
        ),
        time="created_at",
    ),
    Kind(
        name="transition",
        about="A move of a run from one status to the next.",
        table=run_timeline,
        columns=("run_id", "status", "at", "actor", "why"),
        time="at",
        of_run=True,
    ),
    Kind(
        name="gate",
        about="What a gate answered when a run's change was judged for the last time.",
        table=run_gates,
        columns=("run_id", "position", "gate", "outcome", "reason", "sentence", "opens_with"),
        time=None,
        of_run=True,
    ),
    Kind(
        name="plan",
        about="A plan's facts, without what it shows.",
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
            ),
            *("status", "status_reason", "created_by", "created_at", "posted_at", "expires_at"),
        ),
        time="created_at",
    ),
    Kind(
        name="release",
        about="An applied plan with the source it was made of, and who had approved it.",
        table=releases,
        columns=(
            *("plan_id", "run_id", *_STACK, "pull", *_COMMITS, *_DIGESTS, "changed", "source_digest"),
            *("state_serial", "state_lineage", "actor", "approvers", "recorded_at"),
        ),
        time="recorded_at",
    ),
    Kind(
        name="verification",
        about="Whether a release was verified, and whether that was revoked.",
        table=verifications,
        columns=(
            *("run_id", "release", *_STACK, "outcome", "inputs_digest", "change_digest", "state_serial"),
            *("state_lineage", "policy_digest", "actor", "verified_at", "revoked_at", "revoked_why"),
        ),
        time="verified_at",
    ),
    Kind(
        name="revert",
        about="Somebody asked to go back to an earlier release, and when that was over.",
        table=reverts,
        columns=(
            *("run_id", *_STACK, "pull", "target", "undone", "asked_by", "asked_at", "plan_id"),
            *("finished_at", "opened_pull"),
        ),
        time="asked_at",
    ),
    Kind(
        name="restore",
        about="An older version of a state was put back: which one, and what somebody confirmed.",
        table=restores,
        columns=(
            *("run_id", *_STACK, "pull", "serial", "source_key", "confirmed", "asked_by", "asked_at"),
            *("written_serial", "written_sha256"),
        ),
        time="asked_at",
    ),
    Kind(
        name="lock",
        about="A lock that is held now.",
        table=locks,
        columns=(*_STACK, "pull", "holder", "run_id", "since", "reason"),
        time="since",
    ),
    Kind(
        name="lock_event",
        about="A lock was taken, given or lost.",
        table=lock_events,
        columns=(*_STACK, "pull", "act", "actor", "why", "at", "cause"),
        time="at",
    ),
    Kind(
        name="hold",
        about="An environment was held; who lifted it, when it was.",
        table=holds,
        columns=(
            *("repo", "env", "cause", "reason", "by", "since", "pull", "run_id"),
            *("lifted_at", "lifted_by", "lifted_why"),
        ),
        time="since",
    ),
    Kind(
        name="override",
        about="Somebody asked to open a gate, and who confirmed it.",
        table=overrides,
        columns=(
            *("repo", "pull", "project", "env", "gate", "reason", "asked_by", "asked_at", "expires_at"),
            *("confirmed_by", "confirmed_at", "used_run"),
        ),
        time="asked_at",
    ),
    Kind(
        name="state_version",
        about="A snapshot of a state, before or after a change.",
        table=state_versions,
        columns=(
            *("state_key", "serial", "lineage", "sha256", "object_key", "commit", "actor", "run_id"),
            *("moment", "taken_at"),
        ),
        time="taken_at",
        of_run=True,
    ),
    Kind(
        name="artifact",
        about="A sensitive output that is kept, without its value.",
        table=artifacts,
        columns=("run_id", "name", "object_key", "created_at"),
        time="created_at",
        of_run=True,
    ),
    Kind(
        name="download",
        about="Somebody asked for an artifact, and whether it was handed out.",
        table=artifact_downloads,
        columns=("run_id", "name", "login", "at", "allowed"),
        time="at",
        of_run=True,
    ),
    Kind(
        name="allowed_commit",
        about="A maintainer let a commit of a fork run.",
        table=allowed_commits,
        columns=("repo", "pull", "head_sha", "by", "at"),
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
"""In the order of the export."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which records are exported."""

    since: datetime | None = None
    """The first moment that counts."""
    until: datetime | None = None
    """The first moment that no longer counts."""
    repo: str | None = None
    """`owner/name`; records about no repository, or about all, are left out then."""


async def audit(connection: AsyncConnection, wanted: Wanted) -> AsyncGenerator[dict[str, Any]]:
    """Yield every wanted record as JSON values, kind by kind, oldest first; `record` names its kind."""
    for kind in KINDS:
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
                **{name: _json_type(type_) for name, type_ in kind.fields().items()},
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
    return query.order_by(time, *table.primary_key.columns)


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        if isinstance(value, datetime)
        else value
        for name, value in row.items()
    }


def _json_type(type_: sa.types.TypeEngine[Any]) -> dict[str, Any]:
    if isinstance(type_, UtcDateTime):
        return {"type": ["string", "null"], "format": "date-time"}
    if isinstance(type_, sa.JSON):
        return {"type": ["object", "null"]} if type_.none_as_null else {"type": "array"}
    if isinstance(type_, sa.Boolean):
        return {"type": "boolean"}
    if isinstance(type_, sa.BigInteger):
        return {"type": ["integer", "null"]}
    return {"type": ["string", "null"]}
