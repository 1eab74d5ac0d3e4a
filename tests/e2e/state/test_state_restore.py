"""Break-glass: an older state is put back, nothing is hidden, and nothing goes on by itself afterwards."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from typing import Any

from bot.adapters.encryption import AesGcmCipher, parse_key
from bot.adapters.sealed_objects import EncryptedObjects
from bot.adapters.state_reader import read_snapshot
from tests.e2e.world import ADMIN, OWNER, World, state_client
from tests.fakes.object_store import MemoryObjectStore

MORE = 'resource "terraform_data" "more" {\n  input = "b"\n}\n'


async def applied_serial(world: World, number: int) -> int:
    said = await world.applied(number)
    found = re.search(r"(?:\(serial|serial \d+ →) (\d+)", said.body)
    assert found is not None
    return int(found[1])


async def test_older_state_is_restored_and_only_later_plans_go_on(world: World) -> None:
    # Given staging, changed twice by a pull request that holds it, and another one with a plan,
    number, _ = await world.open_planned("Version A", branch="a")
    serial = await applied_serial(world, number)
    before = state(world)
    await world.push({"terraform/more.tf": MORE}, branch="a")
    newer = await world.hear(number, kind="plan", env="staging", status="planned")
    await world.told(number)
    last = await applied_serial(world, number)
    other, waiting = await world.open_planned("Version B", branch="b")
    # when somebody asks which versions there are, and looks at one, then it is said what it would bring about.
    confirm = await looked_at(world, number, serial)
    # When it is confirmed by somebody else, elsewhere, or wrongly, then nothing is changed.
    await world.comment(number, confirm)
    await world.refused(number, "permission")
    await world.comment(other, confirm, by=ADMIN)
    await world.refused(other, "locked")
    await world.comment(number, f"/state restore staging {serial} --confirm 2", by=ADMIN)
    await world.refused(number, "unconfirmed")
    await world.hear(number, kind="restore", status="proposed")
    assert state(world)["serial"] == last
    # When an administrator confirms it, then the state is the old one, under a serial that was never used,
    await world.comment(number, confirm, by=ADMIN)
    said = await world.hear(number, kind="restore", status="restored")
    await world.told(number)
    await world.told(other)
    after = state(world)
    assert {**after, "serial": serial} == before
    assert after["serial"] > last
    assert "**on hold**" in said.body
    # every plan is void, old ones stay so, and everything else waits.
    await world.comment(other, f"/apply staging {waiting.header['plan']}")
    assert set((await world.refused(other, "plan_stale")).header["reasons"]) >= {
        "plan_stale",
        "state_moved",
        "hold",
    }
    await world.comment(number, f"/apply staging {newer.header['plan']}")
    await world.refused(number, "already_applied")
    await world.comment(number, "/status")
    assert "**staging** is on hold" in (await world.hear(number, kind="status")).body
    # When a plan is made of what there is now, then it shows the duplicate, passes, and lifts the hold.
    await world.comment(number, "/plan staging")
    plan = await world.hear(number, kind="plan", env="staging", status="planned")
    assert "terraform_data.more" in plan.body
    await world.comment(number, "/gates staging")
    assert "its apply lifts the hold" in (await world.hear(number, kind="gates")).body
    await world.applied(number)
    await world.comment(number, "/status")
    assert "is on hold" not in (await world.hear(number, kind="status")).body
    await world.told(number)
    await world.told(other)


async def looked_at(world: World, number: int, serial: int) -> str:
    """Look at the versions and at one of them, by which one resource would be forgotten; returns what confirms it."""
    await world.comment(number, "/state restore staging")
    versions = await world.hear(number, kind="restore", status="versions")
    assert re.search(rf"^\| {serial} \| .* \| after run `", versions.body, re.MULTILINE)
    await world.comment(number, "/state restore staging 999")
    await world.refused(number, "not_found")
    await world.comment(number, f"/state restore staging {serial}")
    proposed = await world.hear(number, kind="restore", status="proposed")
    more = next(each for each in state(world)["resources"] if each["name"] == "more")
    assert f"`terraform_data.more`, id `{more['instances'][0]['attributes']['id']}`" in proposed.body
    assert "**1 would be forgotten.**" in proposed.body
    confirm = f"/state restore staging {serial} --confirm 1"
    assert confirm in proposed.body
    return confirm


async def test_damaged_or_lost_state_is_recovered_byte_for_byte(world: World) -> None:
    # Given staging, whose state somebody has damaged,
    number, _ = await world.open_planned("Version A", branch="a")
    serial = await applied_serial(world, number)
    before, damaged = state(world), b'{"version": 4, "serial": 77, "lin\x00\xff'
    put(world, damaged)
    # when it is planned, then that ends at once and says why.
    await world.comment(number, "/plan staging")
    failed = await world.hear(number, kind="plan", status="failed")
    assert "is not a Terraform state" in failed.body
    # When a version is restored while some Terraform may still write, then it is refused;
    confirm = f"/state restore staging {serial} --confirm 0"
    put(world, b'{"ID": "orphan", "Who": "somebody", "Operation": "apply"}', ".tflock")
    await world.comment(number, confirm, by=ADMIN)
    assert "somebody for apply" in (await world.refused(number, "locked")).body
    with state_client(world.playground) as client:
        client.delete_object(Bucket=world.playground.s3.state_bucket, Key=f"{key(world)}.tflock")
    # and when none does, it is recovered: above every serial, the damaged one's too, which is kept as it was.
    await world.comment(number, f"/state restore staging {serial}", by=ADMIN)
    proposed = await world.hear(number, kind="restore", status="proposed")
    assert "not a readable state" in proposed.body
    assert confirm in proposed.body
    await world.comment(number, confirm, by=ADMIN)
    await world.hear(number, kind="restore", status="restored")
    await world.told(number)
    assert state(world) == {**before, "serial": 78}
    assert await kept(world, damaged) == damaged
    await world.comment(number, "/plan staging")
    await world.hear(number, kind="plan", env="staging", status="no_changes")
    await world.told(number)
    # The same when there is no object at all.
    with state_client(world.playground) as client:
        client.delete_object(Bucket=world.playground.s3.state_bucket, Key=key(world))
    await world.comment(number, f"/state restore staging {serial} --confirm 0", by=ADMIN)
    await world.hear(number, kind="restore", status="restored")
    await world.told(number)
    assert state(world) == {**before, "serial": 79}
    # Somebody who answers for staging may end the hold.
    await world.comment(number, "/unhold staging", by=OWNER)
    assert "was restored to" in (await world.hear(number, kind="hold", status="lifted")).body
    await world.told(number)


def key(world: World) -> str:
    return f"staging/{world.repo.partition('/')[2]}/terraform.tfstate"


def state(world: World) -> dict[str, Any]:
    with state_client(world.playground) as client:
        bucket = world.playground.s3.state_bucket
        found: dict[str, Any] = json.loads(client.get_object(Bucket=bucket, Key=key(world))["Body"].read())
    return found


def put(world: World, data: bytes, suffix: str = "") -> None:
    with state_client(world.playground) as client:
        client.put_object(Bucket=world.playground.s3.state_bucket, Key=key(world) + suffix, Body=data)


async def kept(world: World, data: bytes) -> bytes:
    """Return the snapshot of something unreadable, opened."""
    name = f"history/{key(world)}/unreadable-{hashlib.sha256(data).hexdigest()}.tfstate"
    store = MemoryObjectStore()
    with state_client(world.playground) as client:
        found = await asyncio.to_thread(
            client.get_object, Bucket=world.playground.s3.artifact_bucket, Key=name
        )
        store.objects[name] = found["Body"].read()
    cipher = AesGcmCipher(parse_key(world.playground.secrets.encryption_key))
    return await read_snapshot(EncryptedObjects(objects=store, cipher=cipher), name)
