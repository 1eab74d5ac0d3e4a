"""Code that keeps its state elsewhere: it is not planned against an empty one, and can be taken over as the bot says."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

from bot.comments.runs.state_commands import Kept, backend_lines
from bot.playground.stack import Playground
from tests.e2e.world import ADMIN, World

_POLICY = """
version: 1
terraform: {{engine: terraform, version: "{version}"}}
projects: [{{name: default, dir: legacy}}]
environments:
  staging: {{state_key: staging/{key}/terraform.tfstate, autoplan: true, apply: {{allow: write}}}}
"""
_MODULE = """
resource "terraform_data" "database" {
  input = "precious"
}
"""
_COMMANDS = re.compile(r"```sh\n(.*?)```", re.DOTALL)


async def adopted(world: World, backend: str) -> None:
    """Make the repository one whose module exists already, with its state where `backend` says."""
    await world.push({"legacy/main.tf": backend + _MODULE}, branch="main", by=ADMIN)
    policy = _POLICY.format(version=world.playground.engine.version, key=world.repo.partition("/")[2])
    await world.change_policy(lambda _: policy)
    await world.idle()


async def shell(playground: Playground, directory: Path, script: str) -> str:
    """Run a script as somebody would who has pasted it, with a key pair that reaches every state."""
    pair = playground.s3.bot
    environment = {
        "PATH": f"{playground.engine.binary.parent}:{os.defpath}",
        "HOME": str(directory),
        "TMPDIR": str(directory),
        "AWS_ACCESS_KEY_ID": pair.access_key_id,
        "AWS_SECRET_ACCESS_KEY": pair.secret_access_key,
    }
    process = await asyncio.create_subprocess_exec(
        *("bash", "-e", "-c", script),
        cwd=directory,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return out.decode()


async def test_what_exists_elsewhere_is_taken_over_by_the_printed_commands(
    world: World, tmp_path: Path
) -> None:
    # Given a module whose state lies at another key, and what it has created there,
    playground = world.playground
    elsewhere = Kept(
        bucket=playground.s3.state_bucket,
        key=f"elsewhere/{world.repo}/terraform.tfstate",
        region="auto",
        endpoint=playground.s3.endpoint_url,
    )
    backend = "\n".join(backend_lines(elsewhere))
    (tmp_path / "legacy").mkdir()
    (tmp_path / "legacy" / "main.tf").write_text(backend + _MODULE)
    await shell(
        playground,
        tmp_path,
        "cd legacy && terraform init -input=false && terraform apply -input=false -auto-approve",
    )
    existing = world.state_at(elsewhere.key)
    await adopted(world, backend)

    # when a pull request touches it,
    number = await world.open({"legacy/notes.tf": "# nothing\n"})

    # then nothing is planned, since all of it would be created a second time,
    refused = await world.hear(number, kind="plan", env="staging", status="failed")
    assert refused.header["reason"] == "other_backend"
    assert f"main.tf names {elsewhere.key} as the key" in refused.body.replace("\\", "")
    await world.idle()
    assert [run["plan_id"] for run in world.runs()] == [None]
    assert world.check(number, "gatewright/plan").conclusion == "failure"

    # and the commands that it prints, pasted as they are, bring the state to where the bot keeps it.
    commands = _COMMANDS.search(refused.body)
    assert commands is not None
    await shell(playground, tmp_path, commands[1])
    world.watch(number).skip()
    assert world.state()["resources"] == existing["resources"]
    await world.push({"legacy/main.tf": _MODULE})
    await world.hear(number, kind="plan", env="staging", status="no_changes")
    await world.told(number)


async def test_a_new_state_is_planned_once_the_block_is_gone(world: World) -> None:
    # Given a module of which nothing exists, that names a backend of another kind,
    await adopted(world, 'terraform {\n  backend "gcs" {\n    bucket = "acme-states"\n  }\n}\n')
    number = await world.open({"legacy/notes.tf": "# nothing\n"})
    refused = await world.hear(number, kind="plan", env="staging", status="failed")
    assert refused.header["reason"] == "other_backend"
    assert "main.tf declares the backend gcs" in refused.body
    await world.told(number)

    # when it is asked to import something, or to plan again, then that is refused just so,
    await world.comment(number, "/import staging terraform_data.other 1")
    again = await world.hear(number, kind="plan", env="staging", status="failed")
    assert again.header["reason"] == "other_backend"
    await world.told(number)

    # and with an empty block it is planned as something new.
    await world.push({"legacy/main.tf": 'terraform {\n  backend "s3" {}\n}\n' + _MODULE})
    plan = await world.hear(number, kind="plan", env="staging", status="planned")
    assert "terraform_data.database" in plan.body
    await world.told(number)
