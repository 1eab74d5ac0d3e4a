"""What is offered for a state that Terraform could not save, done with Terraform and asked for again."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.object_store import S3ObjectStore
from bot.adapters.state_reader import StoredStates
from bot.comments.runs.errored_state import rescue_part
from bot.ports import Backend
from bot.ports.records.errored_states import ErroredState, KeptState
from bot.services.recovery.errored_states import ErroredStates
from tests.fakes.records import builders
from tests.integration.terraform.bench import STATE_KEY
from tests.integration.terraform.state_server import ACCESS_KEY_ID, BUCKET, SECRET_ACCESS_KEY, StateServer

LINEAGE = "aaaaaaaa-1111-2222-3333-444444444444"
OUTPUTS = {"size": {"value": "7", "type": "string"}}


def state_text(*, serial: int, lineage: str = LINEAGE) -> str:
    return json.dumps(
        {
            "version": 4,
            "terraform_version": "1.11.4",
            "serial": serial,
            "lineage": lineage,
            "outputs": OUTPUTS,
            "resources": [],
        }
    )


@dataclass(slots=True)
class Notes:
    """Records that remember where states are kept, and nothing else."""

    kept: dict[str, KeptState] = field(default_factory=dict)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Notes]:
        yield self

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Notes]:
        yield self

    async def keep_state(self, kept: KeptState) -> None:
        self.kept.setdefault(kept.path, kept)

    async def kept_states(self, _key: str) -> list[KeptState]:
        return list(self.kept.values())


@dataclass(slots=True)
class Disk:
    """A workspace that has set one errored state aside."""

    state: ErroredState

    async def errored_states(self, _stack: object) -> list[ErroredState]:
        return [self.state]


@dataclass(slots=True)
class Keys:
    """The place of the state."""

    endpoint_url: str

    def backend(self, _stack: object, *, purpose: str) -> Backend:
        assert purpose == "apply"
        return Backend(
            endpoint_url=self.endpoint_url,
            region="auto",
            bucket=BUCKET,
            key=builders.stack().state_key,
            access_key_id=ACCESS_KEY_ID,
            secret_access_key=SECRET_ACCESS_KEY,
        )


@dataclass(slots=True)
class Operator:
    """Reads what `/status` offers, and pastes it into a shell."""

    errored_states: ErroredStates
    home: Path

    async def offered(self) -> str:
        return rescue_part(await self.errored_states.unrecovered([builders.stack()]))

    async def paste(self, offer: str) -> None:
        commands = re.search(r"```\n(.*?)\n```", offer, re.DOTALL)
        assert commands is not None, offer
        terraform = shutil.which("terraform")
        assert terraform is not None
        shell = await asyncio.create_subprocess_exec(
            *("/bin/sh", "-e", "-c", commands[1]),
            env={
                "PATH": f"{Path(terraform).parent}{os.pathsep}{os.defpath}",
                "HOME": str(self.home),
                "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
                "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await shell.communicate()
        assert shell.returncode == 0, said.decode()


def operator_of(endpoint_url: str, home: Path, *, lineage: str = LINEAGE) -> Operator:
    path = home / "errored.tfstate"
    path.write_text(state_text(serial=9, lineage=lineage))
    store = S3ObjectStore(
        endpoint_url=endpoint_url,
        region="auto",
        bucket=BUCKET,
        access_key_id=ACCESS_KEY_ID,
        secret_access_key=SECRET_ACCESS_KEY,
    )
    errored_states = ErroredStates(
        records=cast("Any", Notes()),
        clock=SystemClock(),
        machine="worker-2",
        workspace=cast("Any", Disk(ErroredState(path=path, serial=9, lineage=lineage))),
        states=StoredStates(states=store, artifacts=cast("Any", None)),
        credentials=cast("Any", Keys(endpoint_url)),
    )
    return Operator(errored_states, home)


@pytest.fixture
def operator(state: StateServer, tmp_path: Path) -> Operator:
    return operator_of(state.endpoint_url, tmp_path)


async def test_lost_state_comes_back_with_its_lineage_unoffered(
    operator: Operator, state: StateServer
) -> None:
    await operator.paste(await operator.offered())

    there = state.state(STATE_KEY)
    assert there is not None
    assert (there["lineage"], there["outputs"]) == (LINEAGE, OUTPUTS)
    assert there["serial"] >= 9
    assert await operator.offered() == ""


async def test_first_state_that_never_had_a_lineage_is_given_one(state: StateServer, tmp_path: Path) -> None:
    operator = operator_of(state.endpoint_url, tmp_path, lineage="")

    await operator.paste(await operator.offered())

    there = state.state(STATE_KEY)
    assert there is not None
    assert there["lineage"]
    assert there["outputs"] == OUTPUTS
    assert await operator.offered() == ""


async def test_an_older_state_is_never_forced(operator: Operator, state: StateServer) -> None:
    state.put(STATE_KEY, state_text(serial=8))

    offer = await operator.offered()
    await operator.paste(offer)

    assert "-force" not in offer
    assert await operator.offered() == ""


async def test_file_pushed_without_a_state_is_replaced_after_a_warning(
    operator: Operator, state: StateServer
) -> None:
    state.put(STATE_KEY, state_text(serial=1, lineage="bbbbbbbb-1111-2222-3333-444444444444"))

    offer = await operator.offered()
    await operator.paste(offer)

    assert "has another lineage" in offer
    there = state.state(STATE_KEY)
    assert there is not None
    assert there["lineage"] == LINEAGE
    assert await operator.offered() == ""


async def test_a_state_that_came_back_meanwhile_is_not_forced_away(
    operator: Operator, state: StateServer
) -> None:
    offer = await operator.offered()
    newer = state_text(serial=12, lineage="cccccccc-1111-2222-3333-444444444444")
    state.put(STATE_KEY, newer)

    with pytest.raises(AssertionError, match="lineage"):
        await operator.paste(offer)

    assert state.state(STATE_KEY) == json.loads(newer)


async def test_nothing_is_pushed_over_what_is_no_state(operator: Operator, state: StateServer) -> None:
    state.put(STATE_KEY, "not a state")

    offer = await operator.offered()

    assert "What is in the bucket is no readable state" in offer
    assert "terraform state push" not in offer


async def test_no_command_is_offered_while_the_right_one_is_unknown(tmp_path: Path) -> None:
    offer = await operator_of("http://127.0.0.1:9", tmp_path).offered()

    assert "cannot be looked at now" in offer
    assert "terraform state push" not in offer
