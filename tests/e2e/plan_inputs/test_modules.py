"""`init` alone can fetch private modules, and has no other credentials; every other step has the reverse."""

from __future__ import annotations

import asyncio
import base64
import re

from tests.e2e.hostile_input.probing import places, probe
from tests.e2e.plan_inputs.conftest import EXTRA, MODULES
from tests.e2e.world import STAGING, World

_WORD = 'output "word" {\n  value = "said by a private module"\n}\n'


def calls(world: World, source: str, commit: str) -> str:
    """Return code that calls a module of a repository on the stand-in."""
    origin = world.github.url
    return f"""
module "word" {{
  source = "git::{origin}/{source}.git?ref={commit}"
}}

resource "terraform_data" "word" {{
  input = module.word.word
}}
"""


async def test_private_modules_are_fetched_with_a_token_of_init_alone(world: World) -> None:
    # Given code that calls a module of a private repository which the operator lists,
    # and that looks around when it is planned,
    commit = await world.github.push(MODULES, "main", {"main.tf": _WORD}, author="admin")
    looked_for = ("CLOUD_KEY", "TF_TOKEN", "GIT_CONFIG", "extraheader")
    files = [world.playground.directory / "secrets.json"]
    number = await world.open(
        {
            "terraform/word.tf": calls(world, MODULES, commit),
            "terraform/probe.tf": probe(looked_for, files),
            STAGING: await world.staging("Module"),
        }
    )
    # when it is planned,
    plan = await world.hear(number, kind="plan", env="staging", status="planned")
    await world.told(number)
    # then the module was fetched,
    assert "said by a private module" in plan.body
    if world.playground.sandbox:
        # and the plan saw the credentials of plans, but neither tokens of registries nor git's,
        seen = dict(re.findall(r"\[(\S.*?)\]=(\w+)", plan.part))
        assert {name: seen[name] for name in looked_for} == {
            "CLOUD_KEY": "true",
            **dict.fromkeys(looked_for[1:], "false"),
        }
    # When the code is applied, without what looks around,
    head = await world.push({"terraform/probe.tf": None})
    await world.hear(number, kind="plan", env="staging", status="planned", head=head)
    await world.told(number)
    await world.applied(number)
    await world.told(number)
    # then the token was that of the listed repository alone, and could only read.
    issued = [
        each.permissions
        for each in world.github._hub.state.data.tokens.values()
        if each.repositories == [world.github.repo(MODULES).id]
    ]
    assert {"contents": "read", "metadata": "read"} in issued
    # It is written down nowhere, as it is or as git sends it.
    for start in ("ghs_", base64.b64encode(b"x-access-token:").decode()):
        assert await asyncio.to_thread(places, world, number, start) == []


async def test_a_private_module_that_is_not_listed_cannot_be_fetched(world: World) -> None:
    # Given a private repository that the App can read, and that the operator does not list,
    other = f"{world.repo}-other"
    await world.github.create_repo(other, files={"main.tf": _WORD})
    commit = await world.github.head(other, "main")
    # when code calls a module of it,
    number = await world.open(
        {"terraform/word.tf": calls(world, other, commit), STAGING: await world.staging("Other")}
    )
    # then init fails, and nobody is asked for a password.
    failed = await world.hear(number, kind="plan", env="staging", status="failed")
    await world.told(number)
    assert (
        "could not download module" in failed.body.lower()
        or "failed to download module" in failed.body.lower()
    )
    assert EXTRA["STAGING_PLAN_CLOUD_KEY"] not in failed.body


async def test_a_token_for_modules_reaches_no_other_server(world: World) -> None:
    # Given a server that is not GitHub's, and code that calls a module there,
    heard: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    source = (
        f'module "word" {{\n  source = "git::http://127.0.0.1:{port}/acme/modules.git?ref={"a" * 40}"\n}}\n'
    )
    number = await world.open({"terraform/word.tf": source, STAGING: await world.staging("Elsewhere")})
    # when it is planned,
    await world.hear(number, kind="plan", env="staging", status="failed")
    await world.told(number)
    server.close()
    # then that server was asked, and given nothing.
    assert heard
    assert [each for each in heard if "authorization" in each.lower()] == []
