from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
import pytest_asyncio

from bot.playground.stack import Playground


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playground]:
    playground = Playground(directory=tmp_path_factory.mktemp("doctor"))
    await playground.start()
    yield playground
    await playground.stop()


async def doctor(playground: Playground, changes: Mapping[str, str | None]) -> tuple[int | None, str]:
    environment = {**playground.environment(), **{k: v for k, v in changes.items() if v is not None}}
    for name in [name for name, value in changes.items() if value is None]:
        del environment[name]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "doctor"),
        env=environment,
        cwd=playground.directory,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return process.returncode, out.decode()


@pytest.mark.asyncio(loop_scope="module")
async def test_everything_is_well_in_a_playground(running: Playground) -> None:
    code, said = await doctor(running, {})

    assert "wrong" not in said
    assert code == 0
    for part in ("database", "GitHub App", "artifact bucket", "state of staging", "git", "Terraform"):
        assert part in said


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"GATEWRIGHT_GITHUB_APP_ID": "999"}, "GitHub App"),
        ({"GATEWRIGHT_S3_SECRET_ACCESS_KEY": "wrong"}, "artifact bucket"),
        ({"GATEWRIGHT_ARTIFACT_BUCKET": "nowhere"}, "nowhere"),
    ],
    ids=["another App", "a wrong secret", "a bucket that is not there"],
)
async def test_what_is_wrong_is_named_and_the_exit_code_tells(
    running: Playground, changes: dict[str, str | None], words: str
) -> None:
    code, said = await doctor(running, changes)

    assert code == 1
    assert any("wrong" in line and words in line for line in said.splitlines()), said


@pytest.mark.asyncio(loop_scope="module")
async def test_a_state_key_that_reaches_another_environment_is_wrong(running: Playground) -> None:
    bot = running.s3.bot
    wide = {
        "GATEWRIGHT_TEST_STATE_ACCESS_KEY_ID": bot.access_key_id,
        "GATEWRIGHT_TEST_STATE_SECRET_ACCESS_KEY": bot.secret_access_key,
    }

    code, said = await doctor(running, wide)

    assert code == 1
    assert any("state of test" in line and "reaches the state of" in line for line in said.splitlines())


@pytest.mark.asyncio(loop_scope="module")
async def test_a_plan_key_that_can_write_is_wrong(running: Playground) -> None:
    keys = running.s3.credentials("staging", "apply")
    wide = {
        "GATEWRIGHT_STAGING_PLAN_STATE_ACCESS_KEY_ID": keys.access_key_id,
        "GATEWRIGHT_STAGING_PLAN_STATE_SECRET_ACCESS_KEY": keys.secret_access_key,
    }

    code, said = await doctor(running, wide)

    assert code == 1
    assert any("state of staging" in line and "can write" in line for line in said.splitlines())


@pytest.mark.asyncio(loop_scope="module")
async def test_missing_settings_are_named_all_at_once(running: Playground) -> None:
    code, said = await doctor(running, {"GATEWRIGHT_WEBHOOK_SECRET": None, "GATEWRIGHT_STATE_BUCKET": None})

    assert code == 1
    assert "GATEWRIGHT_WEBHOOK_SECRET: is required" in said
    assert "GATEWRIGHT_STATE_BUCKET: is required" in said


@pytest.mark.asyncio(loop_scope="module")
async def test_a_machine_without_terraform_is_wrong(running: Playground, tmp_path: Path) -> None:
    (tmp_path / "git").symlink_to(shutil.which("git") or "")

    code, said = await doctor(running, {"GATEWRIGHT_TERRAFORM_BINARY": "", "PATH": str(tmp_path)})

    assert code == 1
    assert any("wrong" in line and "neither terraform nor tofu" in line for line in said.splitlines())
