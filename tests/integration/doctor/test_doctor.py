from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from bot.adapters.database import Database, migrate
from bot.playground.stack import Playground


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


def wrong(said: str) -> dict[str, str]:
    """Return part -> what is told of it, for the parts that are wrong."""
    return {line[9:31].strip(): line[32:] for line in said.splitlines() if line.startswith("error")}


async def test_everything_is_well_in_playground_and_nothing_is_left_behind(
    playground: Playground, tmp_path: Path
) -> None:
    if not playground.github.has_repo("acme/infra"):
        await playground.github.create_repo("acme/infra", files={"README.md": "hello\n"})

    code, said = await doctor(playground, {"GATEWRIGHT_DATA_DIR": str(tmp_path / "not" / "yet")})

    assert wrong(said) == {}
    assert code == 0
    for part in (
        "database",
        "GitHub App",
        "App permissions",
        "App webhook",
        "git of acme",
        "artifact bucket",
        "state of staging",
        "git",
        "Terraform",
    ):
        assert part in said
    assert "does not exist yet" in said
    assert list(tmp_path.iterdir()) == []


async def test_problems_are_named_part_by_part_with_an_exit_code(
    playground: Playground, tmp_path: Path
) -> None:
    (tmp_path / "git").symlink_to(shutil.which("git") or "")
    bot, staging = playground.s3.bot, playground.s3.credentials("staging", "apply")

    code, said = await doctor(
        playground,
        {
            "GATEWRIGHT_GITHUB_APP_ID": "999",
            "GATEWRIGHT_ARTIFACT_BUCKET": "nowhere",
            "GATEWRIGHT_TEST_STATE_ACCESS_KEY_ID": bot.access_key_id,
            "GATEWRIGHT_TEST_STATE_SECRET_ACCESS_KEY": bot.secret_access_key,
            "GATEWRIGHT_STAGING_PLAN_STATE_ACCESS_KEY_ID": staging.access_key_id,
            "GATEWRIGHT_STAGING_PLAN_STATE_SECRET_ACCESS_KEY": staging.secret_access_key,
            "GATEWRIGHT_TERRAFORM_BINARY": "",
            "PATH": str(tmp_path),
        },
    )

    assert code == 1
    assert "GitHub App" in wrong(said)
    assert "nowhere" in wrong(said)["artifact bucket"]
    assert "reaches the state of" in wrong(said)["state of test"]
    assert "can write" in wrong(said)["state of staging"]
    assert "neither terraform nor tofu" in wrong(said)["Terraform"]
    assert "state of prod" not in wrong(said)


async def test_keys_that_are_none_are_told_without_showing_them(playground: Playground) -> None:
    code, said = await doctor(
        playground,
        {
            "GATEWRIGHT_S3_SECRET_ACCESS_KEY": "hunter3hunter3",
            "GATEWRIGHT_GITHUB_PRIVATE_KEY": "hunter2hunter2",
            "GATEWRIGHT_METRICS_TOKENS": "hunter4hunter4",
            "GATEWRIGHT_EU_PROD_PLAN_STATE_SECRET_ACCESS_KEY": "hunter5hunter5",
        },
    )

    assert code == 1
    assert (
        "GATEWRIGHT_METRICS_TOKENS is ignored: there is no such setting; did you mean GATEWRIGHT_METRICS_TOKEN?"
        in said
    )
    assert "EU_PROD" not in said
    assert "PEM" in wrong(said)["GitHub App"]
    assert "artifact bucket" in wrong(said)
    assert "hunter" not in said


async def test_every_wrong_setting_is_named_and_the_rest_is_tried(
    playground: Playground,
) -> None:
    code, said = await doctor(
        playground,
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
    named = {part for part, grade in graded.items() if grade == "error"}
    assert named == {
        *(f"GATEWRIGHT_{name}" for name in ("WEBHOOK_SECRET", "STATE_BUCKET", "GITHUB_PRIVATE_KEY", "PORT")),
        *(f"GATEWRIGHT_{name}" for name in ("SESSION_KEY", "SANDBOX_BINDS")),
        "encryption key",
    }
    skipped = {part for part, grade in graded.items() if grade == "skipped"}
    assert {"GitHub App", "state bucket", "state of staging", "login", "sandbox"} <= skipped
    assert graded["artifact bucket"] == graded["database"] == graded["git"] == "ok"


async def test_who_is_served_and_who_has_asked_is_told(playground: Playground, tmp_path: Path) -> None:
    # Given records of a repository that is served and of another one that is not listed,
    file = tmp_path / "records.db"
    url = f"sqlite:///{file}"
    await asyncio.to_thread(migrate, url)
    records = Database(url)
    now = datetime(2026, 3, 1, tzinfo=UTC)
    async with records.write() as writer:
        await writer.bind_repository("acme/infra", 7, now)
        await writer.turn_away("eve/infra", 8, why="unlisted", sender="eve", at=now)
        await writer.turn_away("acme/infra", 9, why="other_id", sender="eve", at=now)
    await records.close()
    given = {"GATEWRIGHT_DATABASE_URL": url}

    # when one is served, then it is named with its id, and so is everybody who is turned away,
    _, one = await doctor(playground, {**given, "GATEWRIGHT_REPOSITORIES": "acme/infra"})
    assert "acme/infra (repository id 7)" in one
    assert "add eve/infra to GATEWRIGHT_REPOSITORIES" in one
    assert "list it as acme/infra#9 in GATEWRIGHT_REPOSITORIES" in one

    # and when there are several, that they share their credentials.
    _, two = await doctor(playground, {**given, "GATEWRIGHT_REPOSITORIES": '["acme/infra#9", "acme/net"]'})
    assert "2 repositories are served (acme/infra, acme/net) and share the credentials of every" in two
    assert "acme/infra#9 in" not in two


async def test_the_list_of_repositories_is_required_with_an_example(playground: Playground) -> None:
    code, said = await doctor(playground, {"GATEWRIGHT_REPOSITORIES": None})

    assert code == 1
    assert (
        "GATEWRIGHT_REPOSITORIES is required: it lists the repositories to serve, for example"
        " GATEWRIGHT_REPOSITORIES=acme/infra,acme/network" in said
    )
