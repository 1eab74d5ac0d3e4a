"""Code that is applied, and tries to read what belongs to others; each try is refused, and seen to be."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.e2e.hostile_input.probing import planned, put_state, spy
from tests.e2e.hostile_input.scene import Scene
from tests.e2e.world import World

_TRIES = {
    "environment of the bot": "cat /proc/$BOT/environ",
    "memory of the bot": "dd if=/proc/$BOT/mem bs=1 count=1",
    "open files of the bot": "ls /proc/$BOT/fd",
    "a signal to the bot": "kill -0 $BOT",
    "settings of the bot in any process": "grep -l GATEWRIGHT_ /proc/[0-9]*/environ",
    "the database": 'cat "$DATA/gatewright.db"',
    "write-ahead log of the database": 'cat "$DATA/gatewright.db-wal"',
    "a key file of the bot": 'cat "$KEY_FILE"',
    "log of the bot": 'cat "$BOT_LOG"',
    "secrets of the playground": 'cat "$SECRETS"',
    "the keys of every environment": 'cat "$S3_KEYS"',
    "slots of other stacks": 'ls "$DATA/work"',
    "a file in another slot": 'cat "$OTHER_FILE"',
    "mirrors of repositories": 'ls "$DATA/mirrors"',
    "logs of other runs": 'ls "$DATA/logs"',
    "the password file of the machine": "grep -v '^gatewright:' /etc/passwd",
    "writing to the module of the system": "touch /usr/pried",
}
_WITNESS = "its own files"


def script() -> str:
    """Return a script that makes every try, says what came of it, and fails in the end."""
    tries = {_WITNESS: "cat site.tf", **_TRIES}
    lines = [
        f"if {attempt} > /dev/null 2>&1; then echo '{name}: DONE'; else echo '{name}: refused'; fi"
        for name, attempt in tries.items()
    ]
    return "\n".join([*lines, "exit 3", ""])


def code(variables: dict[str, str]) -> str:
    """Return a resource that runs the script when it is applied."""
    given = "\n".join(f'      {name} = "{value}"' for name, value in variables.items())
    return f"""
resource "terraform_data" "pry" {{
  provisioner "local-exec" {{
    interpreter = ["/bin/sh", "-c"]
    command     = "sh ./pry.sh"
    environment = {{
{given}
    }}
  }}
}}
"""


async def test_code_applied_can_reach_nothing_of_bot_or_of_others(scene: Scene) -> None:
    world = scene.world
    if not world.playground.sandbox:
        pytest.skip("there is no bubblewrap here")
    # Given code that knows every path and process that it should not reach,
    paths, pid = real_places(world)
    variables = {**{name: str(path) for name, path in paths.items()}, "BOT": str(pid)}
    number, _ = await planned(world, {"terraform/pry.tf": code(variables), "terraform/pry.sh": script()})
    mine = world.repo.replace("/", "--")
    other = next((paths["DATA"] / "work").glob(f"{mine}--default--prod/*/tree/terraform/site.tf"))
    head = await world.push({"terraform/pry.tf": code({**variables, "OTHER_FILE": str(other)})})
    await world.hear(number, kind="plan", env="staging", status="planned", head=head)
    await world.told(number)
    assert all(path.exists() for path in (*paths.values(), other))
    # When it is applied,
    await world.comment(number, "/apply staging")
    await world.hear(number, kind="apply", env="staging", status="failed")
    await world.told(number)
    # Then each try was made and refused, which the log shows,
    # (the comment has only the end of the log, and other resources write into it at the same time)
    [apply] = world.runs(kind="apply")
    log = (paths["DATA"] / "logs" / f"{apply['id']}.log").read_text(encoding="utf-8")
    said = dict(re.findall(r"^terraform_data\.pry \(local-exec\): (.+): (DONE|refused)$", log, re.MULTILINE))
    # and the same script could read what is its own.
    assert said == {_WITNESS: "DONE", **dict.fromkeys(_TRIES, "refused")}


def real_places(world: World) -> tuple[dict[str, Path], int]:
    """Return things that exist on this machine and that no code may reach, and the bot's process."""
    root, pid = world.playground.directory, world.playground.bot.pid
    assert pid is not None
    limits = Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
    assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)
    key_file = root / "bot" / "app-key.pem"
    key_file.write_text(world.github.private_key_pem)
    key_file.chmod(0o600)
    data = root / "bot" / "data"
    return {
        "DATA": data,
        "KEY_FILE": key_file,
        "BOT_LOG": world.playground.bot.log,
        "SECRETS": root / "secrets.json",
        "S3_KEYS": root / "s3" / "credentials.json",
    }, pid


async def test_apply_of_staging_reaches_neither_prod_state_nor_bots_bucket(
    scene: Scene,
) -> None:
    # Given a state of prod, and code that reads it with the keys at hand, but only when it is applied,
    world = scene.world
    if not world.playground.sandbox:
        pytest.skip("there is no bubblewrap here, and the keys are elsewhere")
    name = world.repo.partition("/")[2]
    await asyncio.to_thread(put_state, world, f"prod/{name}-late/terraform.tfstate", "word-of-prod")
    late = 'resource "terraform_data" "first" {\n  input = timestamp()\n}\n'
    prying = spy(world, f"prod/{name}-late").replace(
        'backend = "s3"', 'backend = "s3"\n  depends_on = [terraform_data.first]'
    )
    assert prying.count("depends_on") == 1
    number, _ = await planned(world, {"terraform/late.tf": late + prying})
    # When it is applied,
    await world.comment(number, "/apply staging")
    failed = await world.hear(number, kind="apply", env="staging", status="failed")
    await world.told(number)
    # Then the store refuses it, and the comment says so.
    assert "AccessDenied" in failed.body or "403" in failed.body
    assert "word-of-prod" not in failed.body
    # When it tries the bucket in which plans and snapshots lie,
    bucket = world.playground.s3.artifact_bucket
    ours = spy(world, "plans").replace(
        f'= "{world.playground.s3.state_bucket}"\n    key', f'= "{bucket}"\n    key'
    )
    assert bucket in ours
    head = await world.push({"terraform/late.tf": ours})
    refused = await world.hear(number, kind="plan", env="staging", status="failed", head=head)
    await world.told(number)
    # Then it is refused at once.
    assert "AccessDenied" in refused.body or "403" in refused.body
