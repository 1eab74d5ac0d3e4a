"""Read the records of runs and policies."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.domain.core.errors import GatewrightError
from bot.domain.core.model import Run, RunId
from bot.ports import Reader, Records, RunFilter
from bot.services.run_records.filters import FilterError, page_size, run_filter
from bot.services.run_records.models import (
    PolicyDetail,
    PolicyPage,
    PolicyRecord,
    RunDetail,
    RunPage,
    RunRecord,
    Timeline,
    TimelineRecord,
)

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class RecordMissingError(GatewrightError):
    """There is no such record, or none that may be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecords:
    """Reads records for display; its callers decide what may be read."""

    records: Records

    async def page(self, given: Mapping[str, str], repos: Sequence[str] | None) -> RunPage:
        """Return a page of runs of these repositories, None for all; FilterError for a wrong filter."""
        wanted, limit = run_filter(given, repos), page_size(given.get("limit"))
        async with self.records.read() as reader:
            await _check_cursor(reader, wanted)
            # One more tells whether there is another page.
            found = await reader.find_runs(wanted, limit=limit + 1)
        shown = found[:limit]
        return RunPage(
            runs=tuple(RunRecord.of(run) for run in shown),
            next=shown[-1].id if len(found) > limit else None,
        )

    async def detail(self, run_id: str) -> RunDetail:
        """Return a run with what belongs to it; RecordMissingError."""
        async with self.records.read() as reader:
            run = await _run(reader, run_id)
            plan = None if run.plan_id is None else await reader.plan(run.plan_id)
            gates = await reader.gates(run.id)
            artifacts = await reader.artifacts(run.id)
        return RunDetail.made(
            run,
            risk=None if plan is None else plan.summary.risk,
            gates=tuple(gates),
            artifacts=tuple(artifact.name for artifact in artifacts),
        )

    async def timeline(self, run_id: str) -> Timeline:
        """Return the transitions of a run; RecordMissingError."""
        async with self.records.read() as reader:
            run = await _run(reader, run_id)
            entries = await reader.timeline(run.id)
        return Timeline(run_id=run.id, entries=tuple(TimelineRecord.of(entry) for entry in entries))

    async def policies(self, repo: str, *, before: str | None, limit: str | None) -> PolicyPage:
        """Return a page of the versions of a policy; FilterError for a wrong digest or limit."""
        size = page_size(limit)
        async with self.records.read() as reader:
            if before is not None and await reader.policy_version(repo, checked_digest(before)) is None:
                raise FilterError(f"before: {repo} has no version {before}")
            found = await reader.policy_versions(repo, limit=size + 1, before=before)
        shown = found[:size]
        return PolicyPage(
            versions=tuple(PolicyRecord.of(version) for version in shown),
            next=shown[-1].digest if len(found) > size else None,
        )

    async def policy(self, repo: str, digest: str | None) -> PolicyDetail:
        """Return a version with its text, None for the one in force; RecordMissingError."""
        async with self.records.read() as reader:
            found = await reader.policy_version(repo, digest)
        if found is None:
            wanted = "no policy yet" if digest is None else f"no version {digest}"
            raise RecordMissingError(f"{repo} has {wanted}")
        return PolicyDetail.of(found)


def checked_digest(text: str) -> str:
    """Return a digest; FilterError where it is none."""
    if not _DIGEST.fullmatch(text):
        raise FilterError(f"{text[:100]!r} is not a digest of 64 hexadecimal digits")
    return text


async def _check_cursor(reader: Reader, wanted: RunFilter) -> None:
    """Raise FilterError where the page begins at a run that is not among the repositories."""
    # An empty page would look like the end of the list.
    if wanted.before is None:
        return
    run = await reader.run(wanted.before)
    if run is None or (wanted.repos is not None and run.stack.repo not in wanted.repos):
        raise FilterError(f"before: there is no run {wanted.before}")


async def _run(reader: Reader, run_id: str) -> Run:
    run = await reader.run(RunId(run_id))
    if run is None:
        raise RecordMissingError(f"there is no run {run_id[:100]}")
    return run
