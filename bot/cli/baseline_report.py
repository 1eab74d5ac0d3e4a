"""`gatewright baseline report`: measures the runs of an environment and judges its limits."""

from __future__ import annotations

import getpass
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from bot.adapters.clock import SystemClock
from bot.adapters.database.records import Database
from bot.cli.databases import open_database
from bot.cli.report_files import UsageError
from bot.domain.core.errors import PolicyError
from bot.policy.load import load_thresholds
from bot.policy.thresholds import ThresholdsEntry
from bot.reports.envelope import Report
from bot.reports.thresholds import METRICS, Threshold, direction_of
from bot.services.measures.baselines import BaselineRequest, Baselines
from bot.settings import Settings

_STATEMENT_SECONDS: Final = 300
_MOST_REPOSITORIES: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of the command."""

    repo: str | None
    """None for the only repository that has runs."""
    project: str | None
    env: str
    days: int
    thresholds: Sequence[str]
    """`METRIC=LIMIT` each."""
    thresholds_file: Path | None
    use_defaults: bool


async def make_report(settings: Settings, options: Options) -> Report:
    """Return the report; UsageError for wrong options, GatewrightError where the database fails."""
    flags, file = _flags(options.thresholds), _file(options.thresholds_file)
    database = await open_database(settings, statement_seconds=_STATEMENT_SECONDS)
    try:
        await database.check()
        request = BaselineRequest(
            repo=options.repo or await _only_repository(database),
            env=options.env,
            project=options.project,
            days=options.days,
            flags=flags,
            file=file,
            use_defaults=options.use_defaults,
            actor=_user(),
            generator=f"gatewright {version('gatewright')}",
            correlation_id=uuid.uuid4().hex,
        )
        return await Baselines(records=database, clock=SystemClock()).report(request)
    finally:
        await database.close()


def _user() -> str:
    """Return the operating system's name of who runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        return f"uid {os.getuid()}"


async def _only_repository(database: Database) -> str:
    async with database.read() as reader:
        known = await reader.active_repos(limit=_MOST_REPOSITORIES)
    names = [repo.full_name for repo in known]
    if len(names) != 1:
        found = ", ".join(names[:10]) or "no repository has runs yet"
        raise UsageError(f"--repo OWNER/NAME is needed: {found}")
    return names[0]


def _flags(given: Sequence[str]) -> Mapping[str, Threshold]:
    return {found.metric: found for found in map(_flag, given)}


def _flag(given: str) -> Threshold:
    metric, _, number = given.partition("=")
    if metric not in METRICS:
        raise UsageError(f"--threshold: unknown metric {metric!r}; known are {', '.join(METRICS)}")
    try:
        limit = float(number)
    except ValueError:
        raise UsageError(f"--threshold {metric}: {number!r} is not a number") from None
    if not 0 <= limit < float("inf"):
        raise UsageError(f"--threshold {metric}: the limit must be 0 or more, not {number}")
    return Threshold(metric=metric, direction=direction_of(metric), limit=limit, source="flag")


def _file(path: Path | None) -> ThresholdsEntry | None:
    """Return the group `baseline` of a file shaped as the policy's `thresholds`."""
    if path is None:
        return None
    try:
        return load_thresholds(path.read_text(encoding="utf-8"), path=str(path)).baseline
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8") from None
    except PolicyError as error:
        raise UsageError(str(error)) from None
