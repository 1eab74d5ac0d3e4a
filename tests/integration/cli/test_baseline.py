"""`baseline report` and `report verify` as processes, with their exit codes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.database import Database, migrate
from bot.domain.core.accounts import SELF
from bot.domain.core.model import FailureClass, RunId, RunKind, RunStatus
from tests.fakes.records.rows import STAGING, a_run
from tests.integration.cli.conftest import Ended, Shell

NOW = SystemClock().now() - timedelta(hours=1)


async def _runs(shell: Shell, *, good: int, bad: int, repo: str = "acme/infra") -> None:
    database = Database(shell.database)
    stack = replace(STAGING, repo=repo)
    async with database.write() as writer:
        for number in range(good + bad):
            run = RunId(f"{repo[-5:]}-{number}")
            new = replace(a_run(), id=run, kind=RunKind.APPLY, stack=stack, dedupe_key=str(run))
            await writer.add_run(new, NOW)
            await writer.move_run(run, RunStatus.PREPARING, at=NOW, actor=SELF, why="started")
            await writer.record_intent(run, NOW)
            status = RunStatus.SUCCEEDED if number < good else RunStatus.FAILED
            failure = None if number < good else FailureClass.TERRAFORM
            end = NOW + timedelta(seconds=number)
            await writer.move_run(run, status, at=end, actor=SELF, why="ended", failure_class=failure)
    await database.close()


@pytest.fixture
async def migrated(shell: Shell) -> Shell:
    await asyncio.to_thread(migrate, shell.database)
    return shell


async def _report(shell: Shell, *words: str) -> Ended:
    return await shell.run("baseline", "report", "--env", "staging", *words, DATABASE_URL=shell.database)


async def test_runs_of_one_repository_are_measured(migrated: Shell) -> None:
    await _runs(migrated, good=30, bad=0)

    ended = await _report(migrated, "--gate", "--use-default-gate-thresholds")

    written = migrated.directory / "logs" / "baseline.json"
    report = json.loads(written.read_text())
    assert (ended.code, ended.out.splitlines()[-1]) == (0, str(written))
    assert (report["outcome"], report["data"]["sampleSize"], report["warnings"]) == ("PASS", 30, [])
    assert report["subject"]["repo"] == "acme/infra"
    verified = await migrated.run("report", "verify", str(written))
    assert (verified.code, "valid, sha256" in verified.out) == (0, True)


async def test_no_run_at_all_passes_with_a_warning(migrated: Shell) -> None:
    ended = await _report(migrated, "--repo", "acme/infra", "--gate", "--use-default-gate-thresholds")

    report = json.loads((migrated.directory / "logs/baseline.json").read_text())
    assert (ended.code, report["outcome"]) == (0, "PASS")
    assert {warning["code"] for warning in report["warnings"]} == {"empty_sample"}


async def test_broken_limit_says_number_limit_and_source(migrated: Shell) -> None:
    await _runs(migrated, good=20, bad=20)
    limits = ("--use-default-gate-thresholds", "--threshold", "failedRate=0.2")

    gate, report = await _report(migrated, "--gate", *limits), await _report(migrated, *limits)

    assert (gate.code, report.code) == (1, 0)
    assert "| failedRate | 50.0 % | 37.4 % | 62.6 % | 20.0 % (FAIL) |" in gate.out
    checks = json.loads((migrated.directory / "logs/baseline.json").read_text())["checks"]
    sentences = {check["name"]: check["sentence"] for check in checks}
    assert sentences["failedRate"] == "failedRate is 50.0 % of 40 runs; at most 20.0 % is allowed (flag)."
    assert sentences["successRate"].endswith("at least 90.0 % is allowed (default).")


async def test_file_of_thresholds_may_block_on_too_few_runs(migrated: Shell) -> None:
    await _runs(migrated, good=3, bad=0)
    file = migrated.directory / "thresholds.yaml"
    file.write_text(
        "baseline:\n  mode: enforce\n  insufficient: block\n"
        "  metrics:\n    failedRate: {direction: at_most, limit: 0.1}\n"
    )

    ended = await _report(migrated, "--gate", "--thresholds-file", str(file))

    assert ended.code == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--threshold", "speed=1"), "--threshold: unknown metric 'speed'; known are successRate"),
        (("--threshold", "failedRate=much"), "--threshold failedRate: 'much' is not a number"),
        (("--threshold", "failedRate=-1"), "--threshold failedRate: the limit must be 0 or more"),
        (("--thresholds-file", "none.yaml"), "cannot read none.yaml: No such file or directory"),
        ((), "--repo OWNER/NAME is needed: no repository has runs yet"),
        (("--days", "0"), "invalid value for '--days'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
async def test_wrong_option_is_named(migrated: Shell, words: tuple[str, ...], message: str) -> None:
    ended = await _report(migrated, *words)

    assert (ended.code, message in ended.err) == (2, True), ended.err
    assert not (migrated.directory / "logs").exists()


async def test_wrong_file_of_thresholds_is_named_with_its_line(migrated: Shell) -> None:
    file = migrated.directory / "thresholds.yaml"
    file.write_text("baseline:\n  mode: perhaps\n")

    ended = await _report(migrated, "--repo", "acme/infra", "--thresholds-file", str(file))

    assert (ended.code, f"{file}:2: baseline.mode" in ended.err) == (2, True), ended.err


async def test_several_repositories_must_be_named(migrated: Shell) -> None:
    await _runs(migrated, good=1, bad=0)
    await _runs(migrated, good=2, bad=0, repo="acme/other")

    unnamed, named = await _report(migrated), await _report(migrated, "--repo", "acme/other")

    assert (unnamed.code, "acme/infra" in unnamed.err) == (2, True)
    data = json.loads((migrated.directory / "logs/baseline.json").read_text())["data"]
    assert (named.code, data["sampleSize"]) == (0, 2)


async def test_missing_database_is_an_error_of_the_machine(shell: Shell) -> None:
    ended = await _report(shell)

    assert (ended.code, "no Gatewright database" in ended.err) == (4, True)


async def test_changed_report_and_missing_file_are_told_apart(migrated: Shell) -> None:
    await _runs(migrated, good=2, bad=0)
    await _report(migrated, "--report-file", "a.json")
    file = Path(migrated.directory / "a.json")
    file.write_text(file.read_text().replace('"sampleSize": 2', '"sampleSize": 3'))

    changed = await migrated.run("report", "verify", "a.json")
    missing = await migrated.run("report", "verify", "b.json")

    assert (changed.code, "a.json: report_invalid: data.rates" in changed.out) == (1, True), changed.out
    assert (missing.code, "cannot read b.json" in missing.err) == (2, True)
