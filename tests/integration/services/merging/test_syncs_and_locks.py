"""What a merge applies where somebody has let go of its stack, or taken it, since the merge."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.domain.core.model import PlanId, PullRequest, Repo, RunId, RunKind, Sha
from bot.domain.plans.plan import Action, PlanRecord, ResourceChange
from bot.policy import load_policy
from bot.services.merging.syncing import Syncing
from bot.services.runs.run_completion import RunCompletion
from bot.services.stacks.policies import LoadedPolicy
from tests.fakes.clock import HandClock
from tests.fakes.records import builders
from tests.fakes.records.rows import NOW, STAGING, a_lock, a_plan, a_run
from tests.integration.services.scene import REPOSITORY

POLICY = load_policy("""
version: 1
terraform: {version: "1.11.4"}
environments:
  staging: {state_key: staging/terraform.tfstate, apply: {allow: write}, after_merge: apply}
""")
TIP = a_plan("p9999999", run_id=RunId("run-2"), pull=None, arguments=())


@dataclass
class Adapters:
    """A base whose plan does what was reviewed, and whoever applies it."""

    applied: list[RunId] = field(default_factory=list)
    merged_at: datetime = NOW
    tip: PlanRecord = TIP

    @property
    def github(self) -> Adapters:
        return self

    policies = github

    async def for_sync(self, _: object) -> PlanRecord:
        return self.tip

    async def subject(self, *_: object) -> tuple[Repo, PullRequest]:
        return REPOSITORY, builders.pull(state="closed", merged=True, merged_at=self.merged_at)

    async def load(self, _: Repo) -> LoadedPolicy:
        return LoadedPolicy(policy=POLICY, commit=Sha("9" * 40))

    async def execute(self, run_id: RunId) -> None:
        self.applied.append(run_id)

    def open(self, _: RunId) -> Adapters:
        return self

    def write(self, line: str) -> None: ...

    async def store(self, _: RunId) -> str:
        return "log"


@pytest.mark.parametrize(
    ("holder", "applied", "compared"),
    [
        pytest.param(None, ["run-2"], None, id="nobody holds it any more"),
        pytest.param(7, ["run-2"], None, id="it still holds it"),
        pytest.param(8, [], "pending", id="another pull request has taken it"),
    ],
)
async def test_merge_applies_what_it_holds_and_reports_no_false_apply(
    records: Database, holder: int | None, applied: list[str], compared: str | None
) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run("run-1"), NOW)
        await writer.add_plan(a_plan(change_digest=TIP.change_digest, arguments=()))
        await writer.mark_posted(PlanId("p2345678"), NOW)
        await writer.add_run(a_run("run-2", kind=RunKind.SYNC), NOW)
        await writer.add_plan(TIP)
        if holder is not None:
            await writer.take_lock(a_lock(holder))
    outside = Adapters()
    given = cast("Any", outside)
    completion = RunCompletion(records=records, logs=given, clock=HandClock())

    await Syncing(
        records=records,
        policies=given,
        planning=given,
        applying=given,
        completion=completion,
        clock=HandClock(),
    ).execute(RunId("run-2"))

    async with records.read() as reader:
        run, lock = await reader.run(RunId("run-2")), await reader.lock(STAGING)
    assert run is not None
    assert (outside.applied, run.detail.get("sync")) == (applied, compared)
    assert lock is not None
    assert lock.pull == (holder or 7)


@pytest.mark.parametrize(
    ("posted_at", "applied"),
    [
        pytest.param(NOW - timedelta(minutes=1), ["run-2"], id="posted before the merge"),
        pytest.param(NOW, ["run-2"], id="in the same second"),
        pytest.param(NOW + timedelta(seconds=1), [], id="posted after the merge"),
        pytest.param(None, [], id="never posted"),
    ],
)
async def test_a_merge_applies_only_what_a_posted_plan_has_shown(
    records: Database, posted_at: datetime | None, applied: list[str]
) -> None:
    # Given a base whose plan destroys something, and a plan of the pull request that does the same,
    gone = ResourceChange(address="a.b", type="a", action=Action.DESTROY)
    summary = replace(TIP.summary, resources=(gone,))
    async with records.write() as writer:
        await writer.add_run(a_run("run-1"), NOW)
        await writer.add_plan(a_plan(change_digest=TIP.change_digest, arguments=(), summary=summary))
        if posted_at is not None:
            await writer.mark_posted(PlanId("p2345678"), posted_at)
        await writer.add_run(a_run("run-2", kind=RunKind.SYNC), NOW)
        await writer.add_plan(replace(TIP, summary=summary))
    outside = Adapters(tip=replace(TIP, summary=summary))
    given = cast("Any", outside)
    completion = RunCompletion(records=records, logs=given, clock=HandClock())

    # when the merge is carried out,
    await Syncing(
        records=records,
        policies=given,
        planning=given,
        applying=given,
        completion=completion,
        clock=HandClock(),
    ).execute(RunId("run-2"))

    # then it is applied where people could have read that plan, else told with what it would have destroyed.
    assert outside.applied == applied
    async with records.read() as reader:
        run = await reader.run(RunId("run-2"))
    assert run is not None
    told = {"sync": "differs", "serial": TIP.state_serial, "unseen": ["a.b"]}
    assert run.detail == ({} if applied else told)
