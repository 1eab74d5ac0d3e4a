"""Plan files that were changed where they are stored."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.e2e.hostile_input.probing import stored
from tests.e2e.hostile_input.scene import Scene
from tests.e2e.world import World, state_client


def change(world: World, key: str, other: str, how: str) -> None:
    bucket = world.playground.s3.artifact_bucket
    with state_client(world.playground) as client:

        def get(name: str) -> bytes:
            answer: Any = client.get_object(Bucket=bucket, Key=name)
            return bytes(answer["Body"].read())

        data = get(key)
        changed = {
            "swapped": get(other),
            "one bit": data[:-40] + bytes([data[-40] ^ 1]) + data[-39:],
            "cut off": data[: len(data) // 2],
            "in clear": b"PK\x03\x04 a plan file in clear",
        }[how]
        client.put_object(Bucket=bucket, Key=key, Body=changed)


# Each part is refused after each kind of damage: `tests/unit/services/test_stored_parts.py`.
@pytest.mark.parametrize(
    ("part", "how"), [("plan", "swapped"), ("work", "one bit"), ("parts", "cut off"), ("plan", "in clear")]
)
async def test_plan_that_was_changed_in_the_store_is_not_applied(scene: Scene, part: str, how: str) -> None:
    # Given two plans of staging, of which the second was reviewed,
    world = scene.world
    number, first = await world.open_planned("The first")
    head = await world.push({"envs/staging.tfvars": await world.staging("The second")})
    second = await world.hear(number, kind="plan", env="staging", status="planned", head=head)
    await world.told(number)
    keys = await asyncio.to_thread(stored, world)
    mine = next(key for key in keys if key.endswith(f"{second.header['plan']}/{part}"))
    other = next(key for key in keys if key.endswith(f"{first.header['plan']}/{part}"))
    await scene.remember()
    # When its stored file is replaced or damaged before it is applied,
    await asyncio.to_thread(change, world, mine, other, how)
    await world.comment(number, "/apply staging")
    failed = await world.hear(number, kind="refusal", env="staging", reason="integrity")
    await world.told(number)
    # Then nothing is applied, and the comment says why and what to do.
    assert "/plan staging" in failed.body
    effects = await scene.effects()
    assert (effects.states, effects.page) == (scene.before.states, scene.before.page)
    assert [run["failure_class"] for run in world.runs(kind="apply")] == ["STATE"]
    assert [run["intent_at"] for run in world.runs(kind="apply")] == [None]
