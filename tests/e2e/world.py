"""One repository with its people, and what can be asked of the bot, its store and its processes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import aiohttp
import boto3
from botocore.config import Config

from bot.playground.github.records.checks import CheckRun
from bot.playground.github.standin import StandIn
from bot.playground.seed import files
from bot.playground.stack import Playground
from bot.playground.watch import Heard, Watch

DEV, OWNER, ADMIN, READER, OUTSIDER = "dev", "owner", "admin", "reader", "outsider"
STAGING = "envs/staging.tfvars"
_PATIENCE = 60.0
"""Seconds, for machines that do other work as well; what is told is waited for no longer than it takes."""
MOTTO: Final = "correct-horse-battery-staple-4711"
"""A sensitive Terraform variable; its name says nothing of a credential, so only the plan tells that it is one."""
SECRETS: Final = {
    "STAGING_ONLY_APPLY": "value-for-applies-of-staging",
    "STAGING_PLAN_ONLY_PLAN": "value-for-plans-of-staging",
    "PROD_ONLY_PROD": "value-for-applies-of-prod",
    "PROD_PLAN_PROD_PLAN": "value-for-plans-of-prod",
    "STAGING_TF_VAR_motto": MOTTO,
    "STAGING_PLAN_TF_VAR_motto": MOTTO,
    "STAGING_LICENSE_KEY": "licence-of-applies-77ab3e",
    "STAGING_PLAN_LICENSE_KEY": "licence-of-plans-19cd2f",
}
"""Given to the bot by the operator; must never be seen."""
SETTINGS: Final = {**SECRETS, "GATEWRIGHT_LOG_FORMAT": "json"}
"""Of the bot that end-to-end tests share."""
POOL: Final = tuple(f"acme/world-{number:03}" for number in range(1, 601))
"""Repositories that a shared playground's bot serves; each test takes the next one, which nobody has created yet."""
_NEXT = iter(POOL)
_UNFINISHED = (
    "SELECT count(*) FROM deliveries WHERE outcome IS NULL",
    "SELECT count(*) FROM runs WHERE status IN ('queued', 'preparing', 'running')",
    "SELECT count(*) FROM workflow_status WHERE status IN ('ENQUEUED', 'PENDING', 'DELAYED')",
)

_KNOBS = """
variable "burn" {
  type    = number
  default = 0
}
variable "pause" {
  type    = number
  default = 0
}
variable "breaks" {
  type    = bool
  default = false
}
output "burnt" {
  value = length([for a in range(var.burn) : sum([for b in range(1000) : length(sha256("${a}-${b}"))])])
}
resource "terraform_data" "pause" {
  count      = var.pause > 0 ? 1 : 0
  input      = var.pause
  depends_on = [terraform_data.release]
  provisioner "local-exec" {
    command = "sleep ${self.input}"
  }
}
resource "terraform_data" "breaks" {
  count      = var.breaks ? 1 : 0
  depends_on = [terraform_data.release]
  provisioner "local-exec" {
    command = "echo 'the disk is on fire' >&2; exit 1"
  }
}
"""


LASTING: Final = 'apply: {allow: "write"}'
"""What the test environment of a World has instead of its lifecycle."""


def with_lasting_test(policy: str) -> str:
    """Return a policy whose test environment is an ordinary one and whose code is not checked, for tests that are about something else."""
    changed = policy.replace("lifecycle: pull_request", LASTING)
    changed = changed.replace("    code_checks: [fmt, validate, test]\n", "")
    assert changed != policy
    return changed


@dataclass(slots=True, kw_only=True)
class World:
    """One repository with its people, and everything that a test says and asks."""

    playground: Playground
    repo: str
    watches: dict[int, Watch] = field(default_factory=dict)

    @property
    def github(self) -> StandIn:
        return self.playground.github

    @property
    def database(self) -> Path:
        """The file of the bot's records."""
        return self.playground.directory / "bot" / "data" / "gatewright.db"

    def watch(self, number: int) -> Watch:
        return self.watches.setdefault(
            number, Watch(github=self.github, repo=self.repo, number=number, patience=_PATIENCE)
        )

    # What people do.

    async def read(self, path: str, branch: str = "main") -> str:
        return await self.github.read(self.repo, branch, path) or ""

    async def push(self, changes: Mapping[str, str | None], *, branch: str = "change", by: str = DEV) -> str:
        return await self.github.push(self.repo, branch, changes, author=by)

    async def open(
        self,
        changes: Mapping[str, str | None],
        *,
        author: str = DEV,
        branch: str = "change",
        base: str | None = None,
        draft: bool = False,
    ) -> int:
        pull = await self.github.open_pull(
            self.repo, author=author, branch=branch, files=dict(changes) or None, base=base, draft=draft
        )
        return pull.number

    async def open_staging_change(self, message: str = "Hello", *, branch: str = "change") -> int:
        return await self.open({STAGING: await self.staging(message)}, branch=branch)

    async def open_planned(self, message: str = "Hello", *, branch: str = "change") -> tuple[int, Heard]:
        """Open a change of staging and wait until all that its plan brings with it is written."""
        number = await self.open_staging_change(message, branch=branch)
        plan = await self.hear(number, kind="plan", env="staging", status="planned")
        await self.idle()
        return number, plan

    async def staging(self, message: str, branch: str = "main") -> str:
        text = await self.read(STAGING, branch)
        return re.sub(r'^(message\s*=\s*)".*"$', rf'\g<1>"{message}"', text, count=1, flags=re.MULTILINE)

    async def comment(self, number: int, body: str, *, by: str = DEV) -> int:
        """Write a comment; one that can mean a plan in a second of its own, because GitHub's times are whole seconds."""
        if body.startswith(("/apply", "/override")):
            await next_second()
        return (await self.github.comment(self.repo, number, author=by, body=body)).id

    async def applied(self, number: int, command: str = "/apply staging", *, env: str = "staging") -> Heard:
        """Have a plan applied and hear what belongs to it."""
        await self.comment(number, command)
        said = await self.hear(number, kind="apply", env=env, status="applied")
        await self.hear(number, kind="plan", env=env, status="applied")
        await self.idle()
        # The verification that follows is written into the same comment, what it opens into those of other plans.
        return self.watch(number).reread(said)

    async def add_knobs(self) -> None:
        """Give the module on main variables that make plans long, and applies long or broken."""
        await self.push({"terraform/knobs.tf": _KNOBS}, branch="main", by=ADMIN)

    async def knob(self, line: str, message: str = "Hello") -> str:
        """Return staging's var file with a knob turned, for a pull request."""
        return f"{await self.staging(message)}\n{line}\n"

    async def change_policy(self, change: Callable[[str], str]) -> str:
        """Change `gatewright.yaml` on the default branch, by an administrator and without a pull request."""
        text = await self.read("gatewright.yaml")
        changed = change(text)
        assert changed != text
        return await self.github.push(self.repo, "main", {"gatewright.yaml": changed}, author=ADMIN)

    # What can be seen.

    async def hear(self, number: int, **wanted: str) -> Heard:
        return await self.watch(number).hear(wanted)

    async def refused(self, number: int, reason: str) -> Heard:
        return await self.hear(number, kind="refusal", reason=reason)

    async def told(self, number: int) -> list[str]:
        """Wait until the bot is idle; return every live comment in few words, oldest first, and count it as read.

        A comment about several stacks is returned once for each.
        """
        await self.idle()
        self.watch(number).skip()
        return [
            word for heard in self.watch(number).comments() for word in sorted(map(words, heard.stacks()))
        ]

    async def page(self, path: str) -> str:
        url = f"{self.playground.sites.url}/{path}"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return await answer.text()

    def reactions(self, comment_id: int) -> list[str]:
        return [reaction.content for reaction in self.github.reactions(comment_id)]

    async def reacted(self, comment_id: int, content: str) -> None:
        """Wait for a reaction of the bot."""

        def look() -> bool | None:
            return True if content in self.reactions(comment_id) else None

        await Watch(github=self.github, repo=self.repo, number=0, patience=_PATIENCE).until(look, content)

    def folded(self, number: int) -> list[int]:
        """Return the ids of the comments that are folded as outdated."""
        comments = self.github.comments(self.repo, number)
        return [comment.id for comment in comments if comment.minimized == "outdated"]

    def head(self, number: int) -> str:
        return self.github.pull(self.repo, number).head_sha

    def check(self, number: int, name: str) -> CheckRun:
        found = [run for run in self.github.check_runs(self.repo, self.head(number)) if run.name == name]
        assert found, f"{name} is not there"
        # Of several check runs of a name GitHub shows the newest.
        return max(found, key=lambda run: run.id)

    def conclusions(self, number: int) -> tuple[str, str]:
        """Return how `gatewright/plan` and `gatewright/apply` of the head ended, or what they wait for."""
        plan, apply = (self.check(number, f"gatewright/{name}") for name in ("plan", "apply"))
        return plan.conclusion or plan.status, apply.conclusion or apply.status

    def runs(self, *, kind: str | None = None) -> list[dict[str, Any]]:
        """Return the bot's records of this repository's runs, oldest first."""
        rows = self._ask("SELECT * FROM runs WHERE repo = ? ORDER BY sequence", self.repo)
        return [row for row in rows if kind in {None, row["kind"]}]

    def locks(self) -> list[tuple[str, int]]:
        """Return environment and pull request of every lock of this repository."""
        return [
            (row["env"], row["pull"]) for row in self._ask("SELECT * FROM locks WHERE repo = ?", self.repo)
        ]

    def lock_events(self, number: int) -> list[dict[str, Any]]:
        """Return who took and gave the locks of a pull request, oldest first."""
        question = "SELECT * FROM lock_events WHERE repo = ? AND pull = ? ORDER BY sequence"
        return self._ask(question, self.repo, str(number))

    def releases(self, env: str = "staging") -> list[str]:
        """Return the plans that are on record as releases of an environment, oldest first."""
        question = "SELECT plan_id FROM releases WHERE repo = ? AND env = ? ORDER BY sequence"
        return [row["plan_id"] for row in self._ask(question, self.repo, env)]

    def state(self, env: str = "staging") -> dict[str, Any]:
        """Return the state of an environment as Terraform has written it."""
        return self.state_at(f"{env}/{self.repo.partition('/')[2]}/terraform.tfstate")

    def state_at(self, key: str) -> dict[str, Any]:
        """Return the state at a key as Terraform has written it."""
        with state_client(self.playground) as client:
            found: dict[str, Any] = json.loads(
                client.get_object(Bucket=self.playground.s3.state_bucket, Key=key)["Body"].read()
            )
        return found

    async def running(self, kind: str) -> str:
        """Wait until a run of `kind` has its Terraform running; returns the run's id."""

        def look() -> str | None:
            return next((run["id"] for run in self.runs(kind=kind) if run["status"] == "running"), None)

        return await Watch(github=self.github, repo=self.repo, number=0, patience=_PATIENCE).until(look, kind)

    async def ended(self, kind: str, status: str) -> None:
        """Wait until a run of `kind` has ended so, whatever GitHub knows of it."""

        def look() -> bool | None:
            return True if status in [run["status"] for run in self.runs(kind=kind)] else None

        await Watch(github=self.github, repo=self.repo, number=0, patience=_PATIENCE).until(
            look, f"{kind} {status}"
        )

    async def given_up(self, event: str) -> None:
        """Wait until the newest delivery of this event was given up."""
        question = (
            "SELECT outcome FROM deliveries WHERE repo = ? AND event = ? ORDER BY sequence DESC LIMIT 1"
        )

        def look() -> bool | None:
            return True if self._ask(question, self.repo, event) == [{"outcome": "given_up"}] else None

        await Watch(github=self.github, repo=self.repo, number=0, patience=_PATIENCE).until(
            look, "a given-up delivery"
        )

    # The bot at rest.

    async def idle(self) -> None:
        """Wait until every delivery was answered and nothing is queued or running in the bot."""
        await self.github.settled()
        async with asyncio.timeout(_PATIENCE):
            while self.github.hooks.pending or self._busy():  # noqa: ASYNC110
                await asyncio.sleep(0.05)  # The bot is another process: there is nothing to wait on.

    def _busy(self) -> bool:
        return any(count for question in _UNFINISHED for row in self._ask(question) for count in row.values())

    def _ask(self, question: str, *values: str) -> list[dict[str, Any]]:
        with contextlib.closing(
            sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=20)
        ) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(question, values)]


def words(heard: Heard) -> str:
    """Return a comment's kind, environment, status and reason in a line."""
    names = ("kind", "project", "env", "status", "reason")
    shown = (str(heard.header.get(name, "")) for name in names)
    return " ".join(word for word in shown if word and word != "default")


async def next_second() -> None:
    """Wait until the clock shows another whole second."""
    await asyncio.sleep(1.02 - time.time() % 1)


@contextlib.asynccontextmanager
async def running(playground: Playground, *, limits: bool = False) -> AsyncIterator[Playground]:
    """Start a playground for many tests, and stop it at the end."""
    playground.repositories = (*playground.repositories, *POOL)
    # GitHub's limits are one installation's, and here all tests are one.
    playground.limits = limits
    await playground.start()
    try:
        yield playground
    finally:
        await playground.stop(keep=False)


@contextlib.asynccontextmanager
async def fresh_world(playground: Playground, name: str) -> AsyncIterator[World]:
    """Give a fresh repository, described by `name`; at the end nothing may be unread, left over or crashed."""
    repo = next(_NEXT)
    key = repo.partition("/")[2]
    seeded = files(playground.engine.version)
    # The states of tests must not meet: every repository has keys of its own below its environments' prefixes.
    policy = re.sub(r"(state_key:\s*\"?[a-z]+)/", rf"\g<1>/{key}/", seeded["gatewright.yaml"])
    assert "merge_requires: [staging]" in policy
    seeded["gatewright.yaml"] = with_lasting_test(policy)
    await playground.github.create_repo(repo, files=seeded, description=name)
    await playground.github.add_personas(repo)
    log_before = playground.bot.log.stat().st_size
    world = World(playground=playground, repo=repo)
    yield world
    await world.idle()
    await assert_clean(world, log_before)


async def assert_clean(world: World, log_before: int) -> None:
    github = world.github
    assert github.violations == []
    assert github.crashes == []
    unread = {
        number: [heard.header for heard in world.watch(number).unread()]
        for number in github.repo(world.repo).pulls
    }
    unread = {number: found for number, found in unread.items() if found}
    # An unread comment is often the consequence of an error, so the log is looked at first and shown with it.
    logged = await asyncio.to_thread(_log_since, world.playground.bot.log, log_before)
    assert "Traceback" not in logged, logged[-4000:]
    assert unread == {}, f"unread comments: {unread}\n{logged[-4000:]}"
    assert await asyncio.to_thread(state_locks, world.playground) == []
    assert scratch_files(world.playground) == []
    assert terraform_processes(world.playground) == []


def _log_since(log: Path, start: int) -> str:
    with log.open("rb") as written:
        written.seek(start)
        return written.read().decode()


def state_locks(playground: Playground) -> list[str]:
    """Return Terraform's own locks in the state bucket."""
    return [key for key in state_objects(playground) if key.endswith(".tflock")]


def state_objects(playground: Playground) -> list[str]:
    with state_client(playground) as client:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=playground.s3.state_bucket)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]


@contextlib.contextmanager
def state_client(playground: Playground) -> Iterator[Any]:
    """Give an S3 client that may read and write every state."""
    client = _session().client(
        "s3",
        endpoint_url=playground.s3.endpoint_url,
        region_name="auto",
        aws_access_key_id=playground.s3.bot.access_key_id,
        aws_secret_access_key=playground.s3.bot.secret_access_key,
        config=Config(s3={"addressing_style": "path"}),
    )
    with contextlib.closing(client):
        yield client


@cache
def _session() -> Any:
    """Give the one session, because each new one reads the descriptions of all of S3 anew."""
    return boto3.session.Session()


def scratch_files(playground: Playground) -> list[str]:
    """Return what a run left in its slot."""
    work = playground.directory / "bot" / "data" / "work"
    return [str(path) for path in work.rglob("scratch/*")]


def terraform_processes(playground: Playground) -> list[str]:
    """Return the command lines of processes that still work in the bot's slots."""
    work = f"{playground.directory}/bot/data/work"
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (process / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            if work in line or str((process / "cwd").readlink()).startswith(work):
                found.append(line)
    return found
