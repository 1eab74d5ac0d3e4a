"""A change whose applies can be counted, and what the crash tests ask about it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.playground.seed import REPO
from bot.playground.stack import Playground
from bot.playground.watch import Watch
from tests.e2e.crash.conftest import watch

FILE = "terraform/counted.tf"
_COUNTED = """
resource "terraform_data" "counted" {
  triggers_replace = ["%s"]
  provisioner "local-exec" {
    interpreter = ["/bin/sh", "-c"]
    command     = "echo applied >> $SITE/count"
    environment = { SITE = var.site_root }
  }
}
"""


async def opened(playground: Playground, branch: str) -> Watch:
    pull = await playground.github.open_pull(
        REPO, author="dev", branch=branch, files={FILE: _COUNTED % branch}
    )
    return watch(playground, pull.number)


async def planned(playground: Playground, branch: str) -> Watch:
    seen = await opened(playground, branch)
    await seen.hear({"kind": "plan", "env": "staging", "status": "planned"})
    await asyncio.sleep(1.1)  # A command counts for plans posted in an earlier second.
    return seen


async def change(playground: Playground, branch: str, trigger: str) -> str:
    return await playground.github.push(REPO, branch, {FILE: _COUNTED % trigger}, author="dev")


def count(playground: Playground) -> int:
    file = playground.directory / "site" / "count"
    return len(file.read_text().splitlines()) if file.exists() else 0


def told(seen: Watch, kind: str) -> list[str]:
    """Return environment and status of each of its comments, sorted: one told twice is there twice."""
    headers = [each.header for heard in seen.comments() for each in heard.stacks()]
    return sorted(f"{header['env']} {header['status']}" for header in headers if header["kind"] == kind)


async def looked(playground: Playground, since: int, *, times: int) -> None:
    """Wait until the server has asked GitHub so often what could not be delivered."""

    def look() -> bool | None:
        asked = [each for each in playground.github.requests[since:] if "/hook/deliveries?" in each.path]
        return True if len(asked) >= times else None

    await watch(playground, 0).until(look, "the server's looks for failed deliveries")


SLOW = """
resource "terraform_data" "slow" {
  triggers_replace = ["%(name)s"]
  provisioner "local-exec" {
    interpreter = ["/bin/sh", "-c"]
    command     = "echo started >> $SITE/count; sleep 4; echo done >> $SITE/count"
    environment = { SITE = var.site_root }
  }
}
"""


async def until_exists(path: Path) -> None:
    async with asyncio.timeout(60):
        while not path.exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.05)


async def planned_slow_pull(playground: Playground) -> Watch:
    pull = await playground.github.open_pull(
        REPO, author="dev", branch="slow", files={"terraform/slow.tf": SLOW % {"name": "slow"}}
    )
    seen = watch(playground, pull.number)
    await seen.hear({"kind": "plan", "env": "staging", "status": "planned"})
    await asyncio.sleep(1.1)
    return seen
