from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.adapters.terraform import Sandbox, TerraformCli
from bot.domain.core.errors import TerraformError, TerraformStoppedError
from bot.domain.core.model import FailureClass
from tests.integration.terraform.bench import STATE_KEY, Bench
from tests.integration.terraform.conftest import SHORT
from tests.integration.terraform.hanging_server import hanging_server
from tests.integration.terraform.processes.waiting import PATIENCE, WAITING, asked_by, started, until
from tests.integration.terraform.state_server import StateServer

NESTED = """
locals {
  opened = join("", [for i in range(1000) : "["])
  closed = join("", [for i in range(1000) : "]"])
}

output "deep" {
  value = jsondecode("${local.opened}${local.opened}${local.closed}${local.closed}")
}
"""
"""A plan of some kilobytes, of which `terraform show -json` makes gigabytes: each level is told with its whole path."""


async def test_a_cancelled_apply_saves_its_state_and_frees_the_lock(bench: Bench, state: StateServer) -> None:
    bench.write({"terraform/main.tf": WAITING})
    plan = await bench.plan()

    applied = await bench.apply(plan, stop=asked_by("alice", once=started(bench).exists))

    assert applied.stopped_by == "alice"
    assert not applied.timed_out
    assert applied.exit_code == 1
    assert applied.outputs == {}
    assert state.resources(STATE_KEY) == ["done", "waiting"]
    assert f"{STATE_KEY}.tflock" not in state.stored_keys()
    assert "Interrupt received." in bench.lines


async def test_apply_whose_time_is_over_is_stopped_the_same_way(bench: Bench, state: StateServer) -> None:
    bench.write({"terraform/main.tf": WAITING})
    plan = await bench.plan()

    applied = await bench.apply(plan, timeout=3.0)

    assert applied.timed_out
    assert applied.stopped_by is None
    assert state.resources(STATE_KEY) == ["done", "waiting"]
    assert f"{STATE_KEY}.tflock" not in state.stored_keys()


async def test_a_cancelled_plan_is_stopped_and_told_by_whom(bench: Bench) -> None:
    async with hanging_server() as server:
        bench.write({"terraform/main.tf": server.module})

        with pytest.raises(TerraformStoppedError, match="by alice") as stopped:
            await bench.plan(stop=asked_by("alice", once=server.asked.is_set))

        await asyncio.wait_for(server.left_alone.wait(), PATIENCE)
        assert stopped.value.failure_class is FailureClass.CANCELED


async def test_a_plan_whose_time_is_over_is_stopped(bench: Bench) -> None:
    async with hanging_server() as server:
        bench.write({"terraform/main.tf": server.module})

        with pytest.raises(TerraformStoppedError) as stopped:
            await bench.plan(timeout=3.0)

        await asyncio.wait_for(server.left_alone.wait(), PATIENCE)
        assert stopped.value.timed_out


async def test_nothing_is_started_once_somebody_asked_to_stop(bench: Bench, state: StateServer) -> None:
    bench.write({"terraform/main.tf": WAITING})
    plan = await bench.plan()

    with pytest.raises(TerraformStoppedError, match="by alice before terraform apply"):
        await bench.apply(plan, stop=asked_by("alice", once=lambda: True))

    assert not started(bench).exists()
    assert state.stored_keys() == []


async def test_a_plan_ends_with_the_task_that_awaits_it(bench: Bench) -> None:
    async with hanging_server() as server:
        bench.write({"terraform/main.tf": server.module})
        task = asyncio.create_task(bench.plan())
        await asyncio.wait_for(server.asked.wait(), PATIENCE)

        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        await asyncio.wait_for(server.left_alone.wait(), PATIENCE)


async def test_an_apply_goes_on_without_the_task_that_awaits_it(bench: Bench, state: StateServer) -> None:
    bench.write({"terraform/main.tf": WAITING})
    plan = await bench.plan()
    task = asyncio.create_task(bench.apply(plan))
    await until(started(bench).exists)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert f"{STATE_KEY}.tflock" in state.stored_keys()
    bench.write({"terraform/go": ""})

    await until(lambda: f"{STATE_KEY}.tflock" not in state.stored_keys())
    resources = (state.state(STATE_KEY) or {})["resources"]
    assert [instance.get("status") for item in resources for instance in item["instances"]] == [None, None]


async def test_a_question_that_fails_does_not_orphan_an_apply(bench: Bench, state: StateServer) -> None:
    async def broken() -> str | None:
        raise RuntimeError("the database is away")

    def deaf(line: str) -> None:
        if "waiting" in line:
            bench.write({"terraform/go": ""})
            raise RuntimeError("the log is away")

    bench.write({"terraform/main.tf": WAITING})
    plan = await bench.plan()

    applied = await bench.apply(plan, stop=broken, on_line=deaf)

    assert applied.exit_code == 0
    assert state.resources(STATE_KEY) == ["done", "waiting"]


async def test_code_that_exhausts_memory_is_killed_before_the_machine(
    sandboxed_bench: Bench,
) -> None:
    limits = replace(SHORT, memory_bytes=192 << 20)
    bench = replace(sandboxed_bench, terraform=TerraformCli(limits=limits, sandbox=Sandbox()))
    bench.write({"terraform/main.tf": NESTED})

    with pytest.raises(TerraformError, match="more memory than it may") as caught:
        await bench.plan()

    assert caught.value.failure_class is FailureClass.TERRAFORM
    assert not caught.value.temporary
