"""A verification that had to wait while its release made room for another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.domain.core.model import PlanId, Repo, RunId, RunKind, Sha, StateIdentity
from bot.domain.core.outcome import Outcome
from bot.policy import load_policy
from bot.services.runs.run_completion import RunCompletion
from bot.services.stacks.policies import LoadedPolicy
from bot.services.verification.verifying import Verifying
from tests.fakes.clock import HandClock
from tests.fakes.records.releases import a_release, a_verification
from tests.fakes.records.rows import NOW, STAGING, a_run
from tests.integration.services.scene import REPOSITORY

POLICY = """
version: 1
terraform: {version: "1.11.4"}
environments:
  staging: {state_key: staging/terraform.tfstate, verify: [{type: outputs, expect: {url: "http://there"}}]}
"""


@dataclass(frozen=True)
class Adapters:
    """Staging at a serial of its own, with one output, and everything else that a verification needs."""

    url: str

    async def repository(self, _: str) -> Repo:
        return REPOSITORY

    async def load(self, _: Repo) -> LoadedPolicy:
        return LoadedPolicy(policy=load_policy(POLICY), commit=Sha("9" * 40))

    async def read(self, _: str) -> tuple[StateIdentity, bytes]:
        state = f'{{"outputs": {{"url": {{"value": "{self.url}"}}}}}}'
        return StateIdentity(serial=43, lineage="11111111", sha256="4" * 64), state.encode()

    def redactor(self, _: str) -> Adapters:
        return self

    def with_more(self, _: object) -> Any:
        return str

    def open(self, _: RunId) -> Adapters:
        return self

    def write(self, line: str) -> None: ...

    async def store(self, _: RunId) -> str:
        return "log"


async def verified(records: Database, outside: Adapters) -> Sequence[bool]:
    """Verify the older release, and return what holds of both verifications, newest first."""
    given = cast("Any", outside)
    verifying = Verifying(
        records=records,
        github=given,
        policies=given,
        states=given,
        sources=given,
        jobs=given,
        workspace=given,
        terraform=given,
        probes=given,
        credentials=given,
        logs=given,
        completion=RunCompletion(records=records, logs=given, clock=HandClock()),
        clock=HandClock(),
    )
    await verifying.execute(RunId("run-3"))
    async with records.read() as reader:
        return [each.holds for each in await reader.verifications(STAGING)]


@pytest.fixture
async def queued(records: Database) -> Database:
    """An older release waits for its verification, and a newer one, which is in place, has passed its own."""
    async with records.write() as writer:
        await writer.add_run(a_run("run-1"), NOW)
        await writer.add_run(a_run("run-2"), NOW)
        await writer.add_release(a_release("p2345678"))
        await writer.add_release(a_release("p3333333", run_id=RunId("run-2"), state_serial=43))
        await writer.add_verification(
            a_verification("run-2", release=PlanId("p3333333"), state_serial=43, outcome=Outcome.PASS)
        )
        await writer.add_run(a_run("run-3", kind=RunKind.VERIFY, plan_id=PlanId("p2345678")), NOW)
    return records


async def test_it_takes_nothing_back_from_one_that_is_in_place(queued: Database) -> None:
    assert await verified(queued, Adapters("http://there")) == [False, True]


async def test_broken_release_is_reverted_whichever_was_looked_at(queued: Database) -> None:
    assert await verified(queued, Adapters("http://elsewhere")) == [False, False]
