"""A trial: developers at work, and a killer with a seed of its own."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from dataclasses import dataclass, field

from bot.playground.stack import Playground
from tests.chaos.ground import RUNNING, WAITING, marks, name_of, seed, stages
from tests.chaos.people import Developer
from tests.chaos.victims import Victims, revive_and_kill
from tests.e2e.world import scratch_files, state_locks, terraform_processes

SETTINGS = {"GATEWRIGHT_RECONCILE_SECONDS": "1", "GATEWRIGHT_MAX_CHANGES": "4"}
_QUIET = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much of it."""

    developers: int
    rounds: int
    """At least; people go on until there were all kills."""
    kills: int
    longest_life: float
    """Seconds that the bot lives at most after it was ready, or as many as it took to start where that is more."""


SHORT = Scale(developers=3, rounds=2, kills=5, longest_life=2.5)
FULL = Scale(developers=6, rounds=20, kills=200, longest_life=4.0)


@dataclass(slots=True, kw_only=True)
class Trial:
    """What happened, for the judge."""

    playground: Playground
    victims: Victims
    scale: Scale
    seed: int
    kills: int = 0
    stages: Counter[str] = field(default_factory=Counter)
    guids: set[str] = field(default_factory=set)
    developers: list[Developer] = field(default_factory=list)

    async def run(self) -> None:
        """Work and kill until both are done, then let the bot come to rest."""
        chance = random.Random(self.seed)  # noqa: S311 - chaos that can be repeated
        for number in range(self.scale.developers):
            name = name_of(number)
            repo = await seed(self.playground, name)
            own = random.Random(chance.random())  # noqa: S311 - as above
            self.developers.append(Developer(playground=self.playground, name=name, repo=repo, chance=own))
        await self.victims.start()
        async with asyncio.TaskGroup() as group:
            for each in self.developers:
                group.create_task(each.work(self.scale.rounds, is_enough=self._is_enough))
            group.create_task(self._kill(chance))
        await self._rest()

    def _is_enough(self) -> bool:
        return self.kills >= self.scale.kills

    async def _kill(self, chance: random.Random) -> None:
        clock, starting = asyncio.get_running_loop().time, 0.0
        while not self._is_enough():
            # On a machine that has much to do, a bot that never lives long enough for a plan would prove nothing.
            await asyncio.sleep(chance.uniform(0.05, max(self.scale.longest_life, starting)))
            self._note_deliveries()
            await self.victims.supervise()
            await self.victims.choose(chance)
            await self.victims.kill()
            self.kills += 1
            self.stages.update(await asyncio.to_thread(self._stages))
            if chance.random() < 0.2:
                await revive_and_kill(self.victims, chance.uniform(0.3, 1.2))
                self.kills += 1
            begun = clock()
            await self.victims.revive()
            starting = clock() - begun

    def _stages(self) -> set[str]:
        return stages(self.victims.ask(RUNNING), self.victims.ask(WAITING))

    async def _rest(self) -> None:
        """Wait until every delivery has arrived and the bot has nothing in hand."""
        async with asyncio.timeout(_QUIET):
            while await asyncio.to_thread(self._busy):
                await asyncio.sleep(0.2)
                await self.victims.supervise()

    def _busy(self) -> bool:
        self._note_deliveries()
        missing = self.guids - set(outcomes(self.victims))
        waiting = (
            "SELECT count(*) AS n FROM workflow_status WHERE status IN ('ENQUEUED', 'PENDING', 'DELAYED')"
        )
        return bool(missing or self.playground.github.hooks.pending or self.victims.ask(waiting)[0]["n"])

    def _note_deliveries(self) -> None:
        self.guids |= {
            each.guid for each in self.playground.github.deliveries if each.event != "installation"
        }


def outcomes(database: Victims) -> dict[str, str]:
    """Return delivery -> outcome of those that have one."""
    rows = database.ask("SELECT id, outcome FROM deliveries WHERE outcome IS NOT NULL")
    return {row["id"]: row["outcome"] for row in rows}


def judge(trial: Trial) -> list[str]:
    """Return everything that is not as promised."""
    playground, database = trial.playground, trial.victims
    known = outcomes(database)
    applied = marks(playground)
    unfinished = database.ask(
        "SELECT id, status FROM runs WHERE status NOT IN"
        " ('succeeded', 'failed', 'canceled', 'timed_out', 'interrupted')"
    )
    lost = database.ask("SELECT name, status FROM workflow_status WHERE status NOT IN ('SUCCESS')")
    twice_told = [
        comment
        for developer in trial.developers
        for comment, times in _told(playground, developer).items()
        if times > 1
    ]
    findings = {
        "deliveries without an outcome": sorted(trial.guids - set(known)),
        "deliveries that failed": sorted(
            guid for guid, how in known.items() if how not in {"handled", "ignored"}
        ),
        "marks applied more than once": [mark for mark, times in applied.items() if times > 1],
        "marks said to be applied that are not": [
            mark for each in trial.developers for mark in each.applied if mark not in applied
        ],
        "commands without an answer": [
            command for each in trial.developers for command in each.commands if not each.is_answered(command)
        ],
        "runs that have not ended": unfinished,
        "workflows that were lost": lost,
        "comments written twice": twice_told,
        "checks created twice": [
            name
            for each in trial.developers
            for name, times in _checks(playground, each).items()
            if times > 1
        ],
        "state locks": state_locks(playground),
        "files of runs": scratch_files(playground),
        "processes": terraform_processes(playground),
        "violations of GitHub's description": playground.github.violations,
    }
    return [f"{what}: {found}" for what, found in findings.items() if found]


def _told(playground: Playground, developer: Developer) -> Counter[str]:
    """Return how often each first line was written; every comment of the bot has one of its own."""
    comments = playground.github.comments(developer.repo, developer.number)
    return Counter(first for each in comments if (first := each.body.split("\n", 1)[0]).startswith("<!--"))


def _checks(playground: Playground, developer: Developer) -> Counter[str]:
    """Return how often each check was created on each head; one that is completed has a successor, as GitHub wants it."""
    return Counter(
        f"{run.name} on {head[:7]}, {run.external_id}"
        for head in developer.heads
        for run in playground.github.check_runs(developer.repo, head)
    )


def tell(trial: Trial) -> None:
    """Print what was done."""
    stages = ", ".join(f"{stage} {count}" for stage, count in sorted(trial.stages.items()))
    interrupted = sum(each.interrupted for each in trial.developers)
    applied = sum(len(each.applied) for each in trial.developers)
    sys.stdout.write(
        f"seed {trial.seed}: {trial.kills} kills over {len(trial.guids)} deliveries; "
        f"{applied} applied, {interrupted} interrupted\nin hand when killed: {stages}\n"
    )
