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
async def test_every_wrong_setting_is_named_at_once_and_the_rest_is_tried_all_the_same(
    running: Playground,
) -> None:
    code, said = await doctor(
        running,
        {
            "GATEWRIGHT_WEBHOOK_SECRET": None,
            "GATEWRIGHT_STATE_BUCKET": None,
            "GATEWRIGHT_GITHUB_PRIVATE_KEY": None,
            "GATEWRIGHT_PORT": "many",
            "GATEWRIGHT_ENCRYPTION_KEY": "short",
            "GATEWRIGHT_SESSION_KEY": "short",
            "GATEWRIGHT_SANDBOX_BINDS": "/srv",
        },
    )

    lines = [(line[:8].strip(), line[9:31].strip(), line[32:]) for line in said.splitlines()]
    graded = {told.split()[0] if part == "setting" else part: grade for grade, part, told in lines}
    assert code == 1
    named = {part for part, grade in graded.items() if grade == "wrong"}
    assert named == {
        *(f"GATEWRIGHT_{name}" for name in ("WEBHOOK_SECRET", "STATE_BUCKET", "GITHUB_PRIVATE_KEY", "PORT")),
        *(f"GATEWRIGHT_{name}" for name in ("SESSION_KEY", "SANDBOX_BINDS")),
        "encryption key",
    }
    skipped = {part for part, grade in graded.items() if grade == "skipped"}
    assert {"GitHub App", "state bucket", "state of staging", "login", "sandbox"} <= skipped
    assert graded["artifact bucket"] == graded["database"] == graded["git"] == "ok"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_private_key_that_is_none_is_told_without_showing_it(running: Playground) -> None:
    code, said = await doctor(running, {"GATEWRIGHT_GITHUB_PRIVATE_KEY": "hunter2hunter2"})

    assert code == 1
    assert any("wrong" in line and "GitHub App" in line and "PEM" in line for line in said.splitlines())
    assert "hunter2" not in said


@pytest.mark.asyncio(loop_scope="module")
async def test_nothing_is_left_behind(running: Playground, tmp_path: Path) -> None:
    code, said = await doctor(running, {"GATEWRIGHT_DATA_DIR": str(tmp_path / "not" / "yet")})

    assert code == 0
    assert "is not there yet" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.asyncio(loop_scope="module")
async def test_a_machine_without_terraform_is_wrong(running: Playground, tmp_path: Path) -> None:
    (tmp_path / "git").symlink_to(shutil.which("git") or "")

    code, said = await doctor(running, {"GATEWRIGHT_TERRAFORM_BINARY": "", "PATH": str(tmp_path)})

    assert code == 1
    assert any("wrong" in line and "neither terraform nor tofu" in line for line in said.splitlines())
