"""Pull requests pushed within a minute under GitHub's limits, by two workers, while people ask for plans and applies."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from bot.playground.github.hub import RequestLog
from bot.playground.github.limits import SecondaryLimits
from tests.bench.module import ENV, Module
from tests.e2e.workers.crowd import AUTHOR, Crowd
from tests.e2e.workers.fleet import Fleet
from tests.soak.clock import FILE, SharedClock

BROKEN = "acme/broken"
"""Its policy is not valid: a comment for each head costs no Terraform."""
REPOSITORIES = ("acme/flood", BROKEN)
SETTINGS = {
    "GATEWRIGHT_LOG_FORMAT": "json",
    "GATEWRIGHT_TICK_SECONDS": "3600",
    "GATEWRIGHT_RECONCILE_SECONDS": "86400",
}
_WAITING = """
    SELECT count(*) AS n FROM dbos.workflow_status
    WHERE status IN ('ENQUEUED', 'PENDING') AND queue_name NOT IN ('outbox', 'statuses', 'inbox')
"""
_LEAP = 1.0
"""Seconds that pass at once while nothing but GitHub's limits is waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How many pull requests."""

    planned: int
    broken: int
    share: int = 1
    """All limits, ours and GitHub's, are divided by it."""


SHORT = Scale(planned=6, broken=20, share=3)
FULL = Scale(planned=60, broken=140)


@dataclass(slots=True, kw_only=True)
class Flood:
    """What was asked of the bot, and what came of it."""

    fleet: Fleet
    clock: SharedClock
    scale: Scale
    crowd: Crowd = field(init=False)
    first: int = 0
    """A pull request that was there before, on which people work."""
    numbers: list[int] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)
    """Places in the stand-in's log when the person's commands were answered."""
    begun: int = 0

    @property
    def limits(self) -> SecondaryLimits:
        found = self.fleet.github.limits.secondary
        assert found is not None
        return found

    async def run(self) -> None:
        """Push everything at once, ask for a plan and an apply in the middle of it, and wait until all is written."""
        share = self.scale.share
        self.fleet.github.limits.secondary = SecondaryLimits(
            content_per_minute=80 // share,
            content_per_hour=500 // share,
            points_per_minute=900 // share,
            graphql_points_per_minute=2000 // share,
        )
        await self._prepare()
        await asyncio.gather(*(self.fleet.start_worker(name) for name in ("one", "two")))
        [self.first] = await self.crowd.open(1, first=1000)
        await self.crowd.watch(self.first).hear({"kind": "plan", "status": "planned"})
        await self.fleet.idle()
        self.clock.advance(3600)
        self.begun = len(self.fleet.github.requests)
        await self._push()
        async with asyncio.TaskGroup() as group:
            passing = group.create_task(self._pass_time())
            try:
                await self._work()
                await self.fleet.idle(patience=1200)
            finally:
                passing.cancel()

    async def _prepare(self) -> None:
        module = Module(
            owner="acme", name="flood", size=1, version=self.fleet.engine.version, is_applied=True
        )
        self.crowd = Crowd(fleet=self.fleet, module=module)
        await self.crowd.create()
        await self.fleet.github.create_repo(BROKEN, files={"gatewright.yaml": "version: none\n"})
        await self.fleet.github.add_personas(BROKEN)

    async def _push(self) -> None:
        github = self.fleet.github
        github.hooks.pause()
        for index in range(self.scale.broken):
            pull = await github.open_pull(
                BROKEN, author=AUTHOR, branch=f"change-{index}", files={"terraform/main.tf": f"# {index}\n"}
            )
            self.broken.append(pull.number)
        self.numbers = await self.crowd.open(self.scale.planned)
        github.hooks.resume()

    async def _work(self) -> None:
        """Do as a person does who has no part in the flood."""
        watch = self.crowd.watch(self.first)
        await self._until_full()
        watch.skip()
        await self._say(f"/plan {ENV}")
        await watch.hear({"kind": "plan", "status": "planned"})
        await self._say(f"/apply {ENV}")
        await watch.hear({"kind": "apply", "status": "applied"})

    async def _say(self, body: str) -> None:
        """Write a command, and wait until it is answered."""
        # A command counts for plans that were posted in an earlier second.
        self.clock.advance(1.0)
        github = self.fleet.github
        command = await github.comment(self.crowd.module.repo, self.first, author=AUTHOR, body=body)

        def look() -> bool | None:
            return True if "rocket" in {each.content for each in github.reactions(command.id)} else None

        await self.crowd.watch(self.first).until(look, f"an answer to {body}")
        self.answered.append(len(github.requests))

    async def _until_full(self) -> None:
        """Wait until the comments of this minute are used up."""
        while len(self.writes("comments")) < 50 // self.scale.share:  # noqa: ASYNC110 - other processes write
            await asyncio.sleep(0.05)

    async def _pass_time(self) -> None:
        """Let time pass quickly while nobody computes anything."""
        while True:
            rows = await asyncio.to_thread(self.fleet.ask, _WAITING)
            if not rows[0]["n"] and not self.fleet.github.hooks.pending:
                self.clock.advance(_LEAP)
            await asyncio.sleep(0.05)

    def writes(self, kind: str, *, since: int | None = None) -> list[RequestLog]:
        """Return what was written of a kind since the flood began."""
        log = self.fleet.github.requests[self.begun if since is None else since :]
        return [each for each in log if each.method in {"POST", "PATCH"} and f"/{kind}" in each.path]

    def findings(self) -> list[str]:
        """Return everything that is not as promised."""
        lost = {number: dict(self.crowd.said(number)) for number in self.numbers if self._plans(number) != 1}
        silent = [number for number in self.broken if len(self.fleet.github.comments(BROKEN, number)) != 1]
        checks = self.fleet.ask("SELECT count(*) AS n FROM runs WHERE status <> 'succeeded'")[0]["n"]
        found = {
            "pull requests without the one comment of their plan": lost,
            "pull requests without the one comment about the policy": silent,
            "runs that have not succeeded": checks,
            "checks that do not say what is recorded": self._wrong_checks(),
            "writes that GitHub refused": self.limits.refused,
            "what came before the answers to the person": self._overtaken(),
            "comments far out of order": self._out_of_order(),
            "what does not conform": self.fleet.github.violations,
            "crashes": self.fleet.github.crashes,
        }
        return [f"{what}: {value}" for what, value in found.items() if value]

    def _plans(self, number: int) -> int:
        return sum(count for (kind, _), count in self.crowd.said(number).items() if kind == "plan")

    def _wrong_checks(self) -> list[int]:
        github, repo = self.fleet.github, self.crowd.module.repo
        wrong = []
        for number in self.numbers:
            runs = {
                run.name: run.conclusion
                for run in github.check_runs(repo, github.pull(repo, number).head_sha)
            }
            if runs.get("gatewright/plan") != "success":
                wrong.append(number)
        return wrong

    def _overtaken(self) -> list[str]:
        """Return what was written in full before the person was answered: the flood itself was there before."""
        kinds = ("comments", "check-runs")
        return [kind for kind in kinds if not self.writes(kind, since=self.answered[-1])]

    def _out_of_order(self) -> list[tuple[int, int]]:
        """Return comments of the flood that are overtaken by more than are handled at once."""
        said = [
            int(found[1])
            for each in self.writes("comments")
            if each.method == "POST" and (found := re.search(r"broken/issues/(\d+)/comments", each.path))
        ]
        return [
            (number, place) for place, number in enumerate(said) if number - self.broken[0] - place > 2 * 16
        ]

    def summary(self) -> str:
        """Return a line for people."""
        log = self.fleet.github.requests[self.begun :]
        kinds = Counter(
            _kind(each) for each in log if each.method in {"POST", "PATCH"} and "/repos/" in each.path
        )
        minutes = (log[-1].at - log[0].at) / 60
        return (
            f"{len(self.numbers) + len(self.broken)} pull requests, {sum(kinds.values())} writes in"
            f" {minutes:.1f} minutes ({', '.join(f'{kind} {n}' for kind, n in kinds.most_common())});"
            f" refused {self.limits.refused}"
        )


def _kind(entry: RequestLog) -> str:
    return re.sub(r"/\d+$", "", entry.path.split("?")[0]).rsplit("/", 1)[-1]


def make(directory: Path, database_url: str, scale: Scale) -> Flood:
    """Return a flood that has not begun, on a database of its own."""
    clock = SharedClock(directory / FILE)
    fleet = Fleet(
        directory=directory,
        extra=SETTINGS,
        repositories=REPOSITORIES,
        database_url=database_url,
        module="tests.soak.bot",
        words=(str(scale.share),),
        knobs={"clock": clock.epoch, "kept_deliveries": 100_000},
    )
    return Flood(fleet=fleet, clock=clock, scale=scale)
