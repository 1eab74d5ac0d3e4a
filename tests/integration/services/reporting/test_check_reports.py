"""What other programs report on commits: which plans it concerns, and that reports are answered together."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

from bot.adapters.database import Database
from bot.context import Bot
from bot.domain.core.model import DeliveryId, PlanId, PlanStatus
from bot.events import payload_of
from bot.policy import load_policy
from bot.ports import Delivery
from bot.services.runs.intake import job_of_delivery
from bot.services.stacks.policies import LoadedPolicy
from handlers.events import reported_checks
from tests.fakes.records.rows import BASE, HEAD, NOW, REPO, a_delivery, a_plan, a_run
from tests.integration.services.scene import REPOSITORY

POLICY = load_policy("""
version: 1
terraform: {version: "1.11.4"}
environments:
  staging: {state_key: staging/terraform.tfstate, apply: {allow: write, gates: [checks]}}
""")


@dataclass
class Played:
    """GitHub, the policy and the comments, which count what they are asked."""

    records: Database
    asked: list[str] = field(default_factory=list)

    @property
    def bot(self) -> Bot:
        github = SimpleNamespace(known_repository=self._repository, pull=self._pull)
        policies = SimpleNamespace(recent=self._policy)
        comments = SimpleNamespace(refresh_judged=self._judged)
        parts = SimpleNamespace(
            records=self.records, github=github, policies=policies, plan_comments=comments
        )
        return cast("Bot", parts)

    async def _repository(self, name: str) -> object:
        return REPOSITORY if name == REPO else None

    async def _pull(self, _: object, number: int) -> object:
        self.asked.append(f"pull {number}")
        return SimpleNamespace(is_open=True, head_sha=HEAD)

    async def _policy(self, _: object) -> LoadedPolicy:
        return LoadedPolicy(policy=POLICY, commit=BASE)

    async def _judged(self, _: object, __: object) -> int:
        self.asked.append("judged")
        return 1


def a_report(id: str, sha: str = HEAD, **changes: object) -> Delivery:
    payload = json.dumps({"sha": sha}).encode()
    whole = a_delivery(id, event="status", action=None, pull=None, payload=payload, **changes)
    assert payload_of("status", payload) is not None
    return whole


async def planned(records: Database) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run("run-1"), NOW)
        await writer.add_plan(a_plan())


async def handled(played: Played, delivery: Delivery) -> str:
    return await reported_checks.handle(delivery, payload_of(delivery.event, delivery.payload), played.bot)


async def test_only_plans_that_can_be_applied_need_reports(records: Database) -> None:
    # Given a plan of a commit, then its pull request is found by that commit in that repository,
    await planned(records)
    async with records.read() as reader:
        assert await reader.pulls_planned_at(REPO, HEAD) == (7,)
        assert await reader.pulls_planned_at(REPO, BASE) == ()
        assert await reader.pulls_planned_at("acme/other", HEAD) == ()
    # until the plan is stale.
    async with records.write() as writer:
        await writer.set_plan_status(PlanId("p2345678"), PlanStatus.STALE, "moved")
        assert await writer.pulls_planned_at(REPO, HEAD) == ()


async def test_reports_on_one_commit_are_answered_together(records: Database) -> None:
    # Given a planned commit on which three reports wait, and one on another commit,
    await planned(records)
    played = Played(records=records)
    reports = [a_report(f"guid-{number}") for number in (1, 2, 3)]
    other = a_report("guid-other", sha=BASE)
    async with records.write() as writer:
        for report in (*reports, other):
            await writer.add_delivery(report)
    # when the first is handled,
    note = await handled(played, reports[0])
    # then the plans are judged once, and only the other commit's report is left beside it.
    assert (note, played.asked) == ("1 plans judged again", ["pull 7", "judged"])
    async with records.read() as reader:
        left = await reader.open_reports(REPO, ["status"], limit=10)
        told = await reader.delivery(DeliveryId("guid-2"))
    assert [each.id for each in left] == ["guid-1", "guid-other"]
    assert told is not None
    assert (told.outcome, told.note) == ("handled", "answered together with guid-1")


async def test_a_report_on_a_commit_without_a_plan_asks_nothing(records: Database) -> None:
    # Given no plan, when a report is handled, then GitHub is asked nothing.
    played = Played(records=records)
    assert await handled(played, a_report("guid-1")) == "no plan that can be applied is of this commit"
    assert played.asked == []


async def test_our_own_checks_are_no_reports(records: Database) -> None:
    # Given a check of our own that has ended on a planned commit,
    await planned(records)
    check = {"id": 1, "name": "gatewright/plan", "head_sha": HEAD, "status": "completed", "pull_requests": []}
    payload = json.dumps({"action": "completed", "check_run": check}).encode()
    ours = a_delivery("guid-1", event="check_run", action="completed", payload=payload)
    # when it is told, then nothing is judged.
    played = Played(records=records)
    assert await handled(played, ours) == "not about another program's check"
    assert played.asked == []


def test_reports_and_commands_wait_in_different_queues() -> None:
    # Given a report, a check that has ended, a button of a check and a push,
    found = [
        a_report("guid-1"),
        a_delivery("guid-2", event="check_run", action="completed"),
        a_delivery("guid-3", event="check_run", action="requested_action"),
        a_delivery("guid-4", event="push", action=None, pull=None),
    ]
    # when they are taken in, then only what others report waits by itself.
    jobs = [job_of_delivery(each) for each in found]
    assert [(job.queue, job.partition) for job in jobs] == [
        ("checks", REPO),
        ("checks", REPO),
        ("inbox", f"{REPO}#7"),
        ("inbox", REPO),
    ]
    assert [job.delay.total_seconds() for job in jobs] == [5, 5, 0, 0]
    assert job_of_delivery(found[2], asked=True).asked
