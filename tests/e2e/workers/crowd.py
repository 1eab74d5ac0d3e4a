"""A repository with a small module and many pull requests."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass

from bot.comments.markdown.header import parse_header
from bot.playground.watch import Watch
from tests.bench.module import ENV, VAR_FILE, Module, variables
from tests.e2e.workers.fleet import PATIENCE, Fleet
from tests.e2e.world import next_second, state_objects

AUTHOR = "dev"
CROWDS = ("acme/crowd", "acme/slow", "acme/rolling", "acme/load", "acme/still")
"""The repositories that a fleet serves."""
_SLOW = """
resource "terraform_data" "slow" {{
  triggers_replace = [var.generation]
  provisioner "local-exec" {{
    command = "sleep {seconds}"
  }}
}}
"""
_PASSED_OVER = """
    SELECT earlier.workflow_uuid, earlier.queue_name, earlier.queue_partition_key
    FROM dbos.workflow_status AS earlier JOIN dbos.workflow_status AS later
      ON earlier.queue_name = later.queue_name AND earlier.queue_partition_key = later.queue_partition_key
    WHERE earlier.queue_name <> 'plans' AND earlier.priority < later.priority
      AND earlier.started_at_epoch_ms > later.started_at_epoch_ms
      AND earlier.created_at + 1000 < later.started_at_epoch_ms
"""
"""What came at the same moment may be recorded in either order: a second tells who was there first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """One repository of a fleet; its module has one environment, which plans itself."""

    fleet: Fleet
    module: Module

    async def create(self) -> None:
        """Make the repository and its people."""
        await self.fleet.github.create_repo(self.module.repo, files=self.module.files())
        await self.fleet.github.add_personas(self.module.repo)

    async def slow_down(self, seconds: int) -> None:
        """Make every apply take so long."""
        changes = {"terraform/slow.tf": _SLOW.format(seconds=seconds)}
        await self.fleet.github.push(self.module.repo, "main", changes, author="admin")

    def is_locked(self) -> bool | None:
        """Return True while Terraform holds the lock of the state, None while it does not."""
        locks = [key for key in state_objects(self.fleet) if key == f"{self.module.state_key()}.tflock"]
        return True if locks else None

    async def apply(self, number: int) -> None:
        """Ask for the apply of what the pull request shows."""
        await next_second()
        await self.fleet.github.comment(self.module.repo, number, author=AUTHOR, body=f"/apply {ENV}")

    async def open(self, count: int, *, first: int = 0) -> list[int]:
        """Open so many pull requests at once."""

        async def one(number: int) -> int:
            pull = await self.fleet.github.open_pull(
                self.module.repo,
                author=AUTHOR,
                branch=f"change-{number}",
                files={VAR_FILE: variables(number + 1)},
            )
            return pull.number

        return list(await asyncio.gather(*(one(number) for number in range(first, first + count))))

    def watch(self, number: int) -> Watch:
        return Watch(github=self.fleet.github, repo=self.module.repo, number=number, patience=PATIENCE)

    def said(self, number: int) -> Counter[tuple[str, str]]:
        """Return kind and status of each of the bot's comments on a pull request."""
        headers = (
            parse_header(comment.body) for comment in self.fleet.github.comments(self.module.repo, number)
        )
        return Counter((header["kind"], header.get("status", "")) for header in headers if header)

    def planned(self, pulls: list[int]) -> list[int]:
        """Return the pull requests that show a plan."""
        return [number for number in pulls if self.said(number)["plan", "planned"]]

    def passed_over(self) -> list[dict[str, object]]:
        """Return the workflows that waited already when a later one of their key began."""
        return self.fleet.ask(_PASSED_OVER)


def crowd(fleet: Fleet, name: str) -> Crowd:
    """Return a crowd that was not created yet."""
    return Crowd(
        fleet=fleet,
        module=Module(owner="acme", name=name, size=2, version=fleet.engine.version, is_applied=True),
    )
