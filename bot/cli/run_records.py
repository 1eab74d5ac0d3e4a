"""`gatewright runs` and `gatewright policy` on the database."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar

from bot import settings as settings_module
from bot.adapters.database.records import Database
from bot.cli.console import note, show, show_json
from bot.cli.databases import open_database
from bot.cli.report_files import UsageError
from bot.domain.core.errors import GatewrightError
from bot.services.run_records.filters import FilterError
from bot.services.run_records.models import Model, PolicyDetail, PolicyPage, RunDetail, RunPage, Timeline
from bot.services.run_records.reading import RecordMissingError, RunRecords, checked_digest

_Found = TypeVar("_Found", bound=Model)
_USAGE, _ERROR = 2, 4
_STATEMENT_SECONDS: Final = 60
_MOST_REPOSITORIES: Final = 1000
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
"""Characters that could change what a terminal shows."""


def show_runs(given: Mapping[str, str], *, as_json: bool) -> int:
    """Print a page of runs; returns the exit code."""

    async def read(database: Database) -> RunPage:
        return await RunRecords(records=database).page(given, None)

    return _shown(read, _run_lines, as_json=as_json)


def show_one_run(run_id: str, *, as_json: bool) -> int:
    """Print a run; returns the exit code."""

    async def read(database: Database) -> RunDetail:
        return await RunRecords(records=database).detail(run_id)

    return _shown(read, _detail_lines, as_json=as_json)


def show_timeline(run_id: str, *, as_json: bool) -> int:
    """Print the transitions of a run; returns the exit code."""

    async def read(database: Database) -> Timeline:
        return await RunRecords(records=database).timeline(run_id)

    return _shown(read, _timeline_lines, as_json=as_json)


def show_policies(repo: str | None, *, before: str | None, limit: str | None, as_json: bool) -> int:
    """Print a page of versions of a policy; returns the exit code."""

    async def read(database: Database) -> PolicyPage:
        records = RunRecords(records=database)
        return await records.policies(await _one_repository(database, repo), before=before, limit=limit)

    return _shown(read, _version_lines, as_json=as_json)


def show_policy(repo: str | None, digest: str | None, *, as_json: bool) -> int:
    """Print a version of a policy; returns the exit code."""

    async def read(database: Database) -> PolicyDetail:
        wanted = None if digest is None else checked_digest(digest)
        return await RunRecords(records=database).policy(await _one_repository(database, repo), wanted)

    return _shown(read, lambda found: found.text.rstrip("\n").split("\n"), as_json=as_json)


def _shown(
    read: Callable[[Database], Awaitable[_Found]], lines: Callable[[_Found], Sequence[str]], *, as_json: bool
) -> int:
    try:
        found = asyncio.run(_read(read))
    except (FilterError, RecordMissingError, UsageError) as error:
        note(f"error: {error}")
        return _USAGE
    except GatewrightError as error:
        note(f"error: {error}")
        return _ERROR
    if as_json:
        show_json(found.to_json())
    else:
        for line in lines(found):
            show(line)
    return 0


async def _read(read: Callable[[Database], Awaitable[_Found]]) -> _Found:
    reading = settings_module.read()
    reading.require("database_url", "data_dir")
    database = await open_database(reading.settings, statement_seconds=_STATEMENT_SECONDS)
    try:
        return await read(database)
    finally:
        await database.close()


async def _one_repository(database: Database, given: str | None) -> str:
    if given is not None:
        return given
    async with database.read() as reader:
        known = await reader.active_repos(limit=_MOST_REPOSITORIES)
    names = [repo.full_name for repo in known]
    if len(names) != 1:
        found = ", ".join(names[:10]) or "no repository has runs yet"
        raise UsageError(f"--repo OWNER/NAME is needed: {found}")
    return names[0]


def _run_lines(page: RunPage) -> list[str]:
    if not page.runs:
        return ["No runs match these filters."]
    head = ("RUN", "REQUESTED", "KIND", "REPOSITORY", "ENV", "PULL", "STATUS", "CLASS", "BY", "SUMMARY")
    rows = [
        (
            run.id,
            _time(run.created_at),
            run.kind,
            run.repo,
            run.env if run.project == "default" else f"{run.env} ({run.project})",
            "-" if run.pull is None else f"#{run.pull}",
            run.status,
            run.failure_class or "-",
            run.actor.login,
            run.summary or "",
        )
        for run in page.runs
    ]
    more = [] if page.next is None else [f"Older runs: --before {page.next}"]
    return [*_table(head, rows), *more]


def _detail_lines(run: RunDetail) -> list[str]:
    risk = run.risk
    facts = (
        ("run", run.id),
        ("kind", run.kind),
        ("status", run.status),
        ("failure class", run.failure_class),
        ("repository", run.repo),
        ("project", run.project),
        ("environment", run.env),
        ("pull request", run.pull),
        ("commit", run.release_candidate_id),
        ("requested by", run.actor.login),
        ("canceled by", None if run.cancel_requested_by is None else run.cancel_requested_by.login),
        ("requested", _time(run.created_at)),
        ("started", _time(run.started_at)),
        ("ended", _time(run.finished_at)),
        ("plan", run.plan_id),
        ("policy", run.policy_digest),
        ("correlation id", run.correlation_id),
        ("summary", run.summary),
        ("risk", None if risk is None else f"{risk.level}, score {risk.score}"),
        ("artifacts", ", ".join(run.artifacts) or None),
    )
    reasons = () if risk is None else risk.reasons
    return [
        *(f"{name:<15} {_line(str(value))}" for name, value in facts if value is not None),
        *(f"{'risk reason':<15} {_line(reason)}" for reason in reasons),
        *(f"{'gate':<15} {gate.outcome} {gate.gate}: {_line(gate.sentence)}" for gate in run.gates),
    ]


def _timeline_lines(timeline: Timeline) -> list[str]:
    head = ("TIME", "STATUS", "BY", "WHY")
    rows = [(_time(each.at), each.status, each.actor.login, each.why) for each in timeline.entries]
    return _table(head, rows)


def _version_lines(page: PolicyPage) -> list[str]:
    if not page.versions:
        return ["No policy is recorded."]
    head = ("DIGEST", "RECORDED", "COMMIT", "")
    rows = [
        (each.digest, _time(each.recorded_at), each.commit, "in force" if each.in_force else "")
        for each in page.versions
    ]
    more = [] if page.next is None else [f"Older versions: --before {page.next}"]
    return [*_table(head, rows), *more]


def _table(head: Sequence[str], rows: Sequence[Sequence[str | None]]) -> list[str]:
    """Return the lines of a table, its last column as long as it is."""
    cells = [[_line(cell or "") for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head) - 1)]
    return [
        "  ".join([*(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in cells
    ]


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _line(text: str) -> str:
    return _CONTROL.sub(" ", text)
