from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from pydantic import SecretStr

from bot.adapters.database import Database
from bot.adapters.database.queries.audit import KINDS, Wanted, schema
from bot.cli.export import ExportError, Request, write_audit
from bot.domain.core.accounts import SELF
from bot.domain.core.model import RunId, RunStatus
from bot.ports import Download
from bot.settings import EnvironmentSecrets, Settings
from tests.fakes.accounts import account
from tests.fakes.records.releases import a_release, a_verification
from tests.fakes.records.rows import (
    HEAD,
    NOW,
    STAGING,
    a_delivery,
    a_lock,
    a_plan,
    a_restore,
    a_run,
    a_state_version,
    an_artifact,
)
from tests.integration.conftest import Inspector

DAY = timedelta(days=1)
LEFT_OUT = "word-that-is-not-exported"
SECRET = "a-secret-learnt-later"


async def fill(records: Database) -> None:
    """Record something of most kinds, with words where nothing may be exported from."""
    async with records.write() as writer:
        await writer.add_delivery(
            a_delivery(payload=LEFT_OUT.encode(), outcome="handled", note=f"said {SECRET}")
        )
        await writer.add_run(a_run(), NOW)
        await writer.set_result(RunId("run-1"), summary="Done.", detail={"outputs": {"url": LEFT_OUT}})
        await writer.move_run(RunId("run-1"), RunStatus.PREPARING, at=NOW + DAY, actor=SELF, why="begins")
        plan = a_plan()
        await writer.add_plan(replace(plan, summary=replace(plan.summary, text=LEFT_OUT)))
        await writer.add_release(a_release(outputs={"url": LEFT_OUT}))
        await writer.add_verification(a_verification())
        await writer.take_lock(a_lock())
        await writer.add_state_version(a_state_version())
        await writer.add_artifact(an_artifact())
        await writer.add_download(
            Download(run_id=RunId("run-1"), name="kubeconfig", by=account("dana"), at=NOW, allowed=True)
        )
        await writer.record_policy(STAGING.repo, "d" * 64, LEFT_OUT, HEAD, NOW)
        await writer.add_restore(a_restore())
        await writer.allow(STAGING.repo, 7, HEAD, by=account("maintainer"), at=NOW)
        await writer.record_head(STAGING.repo, 7, HEAD, NOW)
        other = replace(STAGING, repo="acme/other")
        await writer.add_run(a_run("run-2", stack=other, actor=account("else")), NOW)


async def exported(records: Database, wanted: Wanted | None = None) -> list[dict[str, Any]]:
    return [record async for record in records.audit(wanted or Wanted())]


async def test_every_record_fits_its_schema_and_holds_no_bodies(records: Database) -> None:
    await fill(records)
    async with records.write() as writer:
        await writer.move_run(RunId("run-1"), RunStatus.FAILED, at=NOW, actor=SELF, why="ended")

    found = await exported(records)

    validator = jsonschema_rs.validator_for(schema())
    for record in found:
        validator.validate(json.loads(json.dumps(record)))
    kinds = [kind.name for kind in KINDS]
    assert len(set(kinds)) == len(kinds)
    assert [record["record"] for record in found] == sorted(
        (record["record"] for record in found), key=kinds.index
    )
    assert {record["record"] for record in found} >= {*kinds} - {
        "lock_event",
        "hold",
        "override",
        "gate",
        "download",
        "revert",
    }
    assert LEFT_OUT not in json.dumps(found)
    run = next(record for record in found if record["record"] == "run")
    assert (run["actor"], run["repo"], run["created_at"]) == (
        "dana",
        "acme/infra",
        "2026-03-01T12:00:00.123456Z",
    )


async def test_only_the_repository_and_the_time_asked_for_are_told(records: Database) -> None:
    await fill(records)

    other = await exported(records, Wanted(repo="acme/other"))
    later = await exported(records, Wanted(since=NOW + DAY))
    before = await exported(records, Wanted(until=NOW))

    assert [(record["record"], record["repo"]) for record in other] == [
        ("run", "acme/other"),
        ("transition", "acme/other"),
    ]
    assert [(record["record"], record["why"]) for record in later if record["record"] == "transition"] == [
        ("transition", "begins")
    ]
    assert before == []


def test_every_audited_column_is_exported_or_left_out_deliberately() -> None:
    left_out = {
        "delivery": {"payload"},
        "run": {
            "dedupe_key",
            "directory",
            "var_file",
            "installation_id",
            "base_sha",
            "release_candidate_id",
            "detail",
        },
        "plan": {"directory", "var_file", "slot", "bundle_key", "log_key", "summary"},
        "release": {"directory", "var_file", "source_key", "outputs"},
        "verification": {"directory", "var_file", "checks"},
        "lock": {"directory", "var_file"},
        "lock_event": {"directory", "var_file"},
        "policy": {"text"},
        "revert": {"directory", "var_file", "found", "notes", "opened_why"},
        "restore": {"directory", "var_file"},
        "head": {"selected"},
    }

    for kind in KINDS:
        missing = set(kind.table.columns.keys()) - set(kind.columns) - {"sequence"}
        assert missing <= left_out.get(kind.name, set()), kind.name


@pytest.fixture
def settings(url: str) -> Settings:
    return Settings(
        github_app_id="1",
        github_private_key=SecretStr("key of the app"),
        webhook_secret=SecretStr("webhook secret"),
        database_url=url,
        s3_endpoint_url="http://127.0.0.1",
        repositories=("acme/infra",),
        state_bucket="states",
        artifact_bucket="artifacts",
        s3_access_key_id=SecretStr("key"),
        s3_secret_access_key=SecretStr("secret of the bot"),
        encryption_key=SecretStr(base64.urlsafe_b64encode(bytes(32)).decode()),
        _env_file=None,
    )


def asked(output: Path | None, **filters: str) -> Request:
    return Request(**{"since": None, "until": None, "repo": None, "output": output, **filters})  # type: ignore[arg-type]


async def test_a_file_is_complete_private_and_redacted_once_more(
    records: Database, settings: Settings, tmp_path: Path
) -> None:
    await fill(records)
    output = tmp_path / "audit.jsonl"

    count = await write_audit(settings, EnvironmentSecrets({"STAGING_TOKEN": SECRET}), asked(output))

    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert len(lines) == count > 10
    assert lines[0]["note"] == "said (sensitive)"
    assert output.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


async def test_what_cannot_be_written_or_understood_is_said(
    records: Database, settings: Settings, tmp_path: Path
) -> None:
    secrets = EnvironmentSecrets({})

    with pytest.raises(ExportError, match="invalid time 'yesterday'"):
        await write_audit(settings, secrets, asked(None, since="yesterday"))
    with pytest.raises(ExportError, match="No such file or directory"):
        await write_audit(settings, secrets, asked(tmp_path / "missing" / "audit.jsonl"))


async def test_the_audit_is_of_one_moment(records: Database, inspector: Inspector) -> None:
    await fill(records)
    found = []

    async for record in records.audit(Wanted()):
        found.append(record)
        if len(found) == 1:
            async with records.write() as writer:
                await writer.add_state_version(a_state_version(99))
            await asyncio.sleep(0)

    serials = [record["serial"] for record in found if record["record"] == "state_version"]
    assert serials == [41]
    assert datetime.fromisoformat(found[0]["received_at"]) == NOW
