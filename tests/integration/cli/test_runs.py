"""`runs` and `policy` as processes, with their exit codes."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from bot.adapters.database import Database, migrate
from bot.domain.core.accounts import SELF
from bot.domain.core.model import FailureClass, RunId, RunKind, RunStatus
from tests.fakes.records.rows import HEAD, NOW, PROD, a_run
from tests.integration.cli.conftest import Ended, Shell


@pytest.fixture
async def filled(shell: Shell) -> Shell:
    """Two runs of one repository, the second one timed out, and two versions of its policy."""
    await asyncio.to_thread(migrate, shell.database)
    database = Database(shell.database)
    second = RunId("run-2")
    async with database.write() as writer:
        await writer.add_run(a_run("run-1"), NOW)
        await writer.add_run(a_run("run-2", kind=RunKind.APPLY, stack=PROD), NOW + timedelta(days=1))
        await writer.move_run(second, RunStatus.PREPARING, at=NOW, actor=SELF, why="started")
        await writer.set_result(second, summary="over\x1b[31m time\nreally", detail={})
        await writer.move_run(
            second,
            RunStatus.TIMED_OUT,
            at=NOW,
            actor=SELF,
            why="over time",
            failure_class=FailureClass.TIMEOUT,
        )
        for digit in "12":
            await writer.record_policy("acme/infra", digit * 64, f"version: {digit}\n", HEAD, NOW)
    await database.close()
    return shell


async def _run(shell: Shell, *words: str) -> Ended:
    return await shell.run(*words, DATABASE_URL=shell.database)


async def test_runs_are_listed_newest_first(filled: Shell) -> None:
    table, page = await _run(filled, "runs", "list"), await _run(filled, "runs", "list", "--limit", "1")

    lines = table.out.splitlines()
    assert (table.code, [line.split()[0] for line in lines]) == (0, ["RUN", "run-2", "run-1"])
    assert "TIMEOUT  dana  over [31m time really" in lines[1]
    assert page.out.splitlines()[-1] == "Older runs: --before run-2"


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (("--env", "prod", "--failure-class", "TIMEOUT"), ["run-2"]),
        (("--until", "2026-03-02"), ["run-1"]),
        (("--before", "run-2", "--limit", "1"), ["run-1"]),
        (("--has-risk-summary", "true"), []),
        (("--repo", "acme/infra", "-p", "default", "--pull", "7", "--actor", "dana"), ["run-2", "run-1"]),
        (("--correlation-id", "guid-1", "--release-candidate", HEAD, "--kind", "plan"), ["run-1"]),
    ],
    ids=lambda value: " ".join(value) or "none",
)
async def test_filters_are_options(filled: Shell, words: tuple[str, ...], ids: list[str]) -> None:
    ended = await _run(filled, "runs", "list", "--json", *words)

    assert ended.code == 0, ended.err
    assert [run["id"] for run in json.loads(ended.out)["runs"]] == ids


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("list", "--has-risk-summary", "maybe"), "has_risk_summary: 'maybe' is not true or false"),
        (("list", "--status", "fine"), "status: 'fine' is not queued"),
        (("list", "--before", "run-9"), "before: there is no run run-9"),
        (("show", "run-9"), "there is no run run-9"),
        (("timeline", "run-9"), "there is no run run-9"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
async def test_wrong_input_is_named_with_exit_code_2(
    filled: Shell, words: tuple[str, ...], message: str
) -> None:
    ended = await _run(filled, "runs", *words)

    assert (ended.code, ended.out, message in ended.err) == (2, "", True), ended.err


async def test_run_is_shown_with_its_timeline(filled: Shell) -> None:
    shown = await _run(filled, "runs", "show", "run-2")
    as_json = await _run(filled, "runs", "show", "run-2", "--json")
    timeline = await _run(filled, "runs", "timeline", "run-2")

    assert "failure class   TIMEOUT\n" in shown.out
    assert "summary         over [31m time really\n" in shown.out
    found = json.loads(as_json.out)
    assert (found["releaseCandidateId"], found["hasRiskSummary"], found["risk"]) == (HEAD, False, None)
    assert [line.split()[1] for line in timeline.out.splitlines()] == [
        "STATUS",
        "queued",
        "preparing",
        "timed_out",
    ]


async def test_policy_versions_are_listed_and_printed(filled: Shell) -> None:
    versions = await _run(filled, "policy", "versions")
    in_force, older = (
        await _run(filled, "policy", "show"),
        await _run(filled, "policy", "show", "1" * 64, "--json"),
    )
    unknown = await _run(filled, "policy", "show", "3" * 64)

    assert versions.out.splitlines()[1].startswith("2" * 64)
    assert versions.out.splitlines()[1].endswith("in force")
    assert (in_force.code, in_force.out) == (0, "version: 2\n")
    assert json.loads(older.out) | {"recordedAt": ""} == {
        "repo": "acme/infra",
        "digest": "1" * 64,
        "commit": HEAD,
        "recordedAt": "",
        "inForce": False,
        "text": "version: 1\n",
    }
    assert (unknown.code, "acme/infra has no version" in unknown.err) == (2, True)


async def test_missing_database_is_an_error_of_the_machine(shell: Shell) -> None:
    ended = await _run(shell, "runs", "list")

    assert (ended.code, "no Gatewright database" in ended.err) == (4, True)


async def test_help_names_the_exit_codes(shell: Shell) -> None:
    for words in (("runs", "list"), ("runs", "show"), ("policy", "versions"), ("policy", "show")):
        ended = await shell.run(*words, "--help")
        assert "Exit codes: 0 done; 2 wrong usage" in " ".join(ended.out.split()), words
