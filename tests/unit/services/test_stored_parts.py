"""What is stored with a plan comes back as it was, or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.adapters.encryption import AesGcmCipher
from bot.adapters.sealed_objects import EncryptedObjects
from bot.domain.core.errors import IntegrityError
from bot.domain.plans.plan import PlanRecord
from bot.ports.terraform import FetchedCode
from bot.services.planning.sealed_plans import Parts, SealedPlans
from tests.fakes.object_store import MemoryObjectStore
from tests.fakes.records import builders

CIPHER = AesGcmCipher(bytes(32))
DIGEST = f"1:{'a' * 64}"
FULL = Parts(
    plan_file=b"the plan",
    work=b"the tree",
    added=b"what it added",
    code=FetchedCode(digest=DIGEST, modules=b"the modules"),
)
BARE = Parts(plan_file=b"the plan", work=b"the tree", added=None, code=FetchedCode(digest=DIGEST))


def record(parts: Parts, **changes: Any) -> PlanRecord:
    return builders.plan(**{"plan_sha256": hashlib.sha256(parts.plan_file).hexdigest()} | changes)


def sealed(store: MemoryObjectStore) -> EncryptedObjects:
    return EncryptedObjects(objects=store, cipher=CIPHER)


def plans(store: MemoryObjectStore) -> SealedPlans:
    return SealedPlans(objects=sealed(store))


async def stored(parts: Parts) -> tuple[MemoryObjectStore, PlanRecord]:
    store, plan = MemoryObjectStore(), record(parts)
    await plans(store).store(plan.bundle_key, parts, {"a secret"})
    return store, plan


@pytest.mark.parametrize("parts", [FULL, BARE], ids=["with everything", "with nothing added or fetched"])
async def test_what_was_stored_comes_back(parts: Parts) -> None:
    store, plan = await stored(parts)

    assert await plans(store).parts(plan) == parts
    assert await plans(store).secrets(plan) == ["a secret"]


async def test_nothing_is_stored_in_clear() -> None:
    store, plan = await stored(FULL)

    assert {key.removeprefix(f"{plan.bundle_key}/") for key in store.objects} == {
        *("plan", "work", "added", "modules", "parts", "secrets")
    }
    for part in (*FULL.named().values(), b"a secret"):
        assert not any(part in sealed for sealed in store.objects.values())


@pytest.mark.parametrize("name", ["plan", "work", "added", "modules", "parts"])
async def test_an_object_of_another_plan_is_not_taken(name: str) -> None:
    store, plan = await stored(FULL)
    other = record(FULL, bundle_key="plans/another")
    await plans(store).store(other.bundle_key, FULL, ())
    store.objects[f"{plan.bundle_key}/{name}"] = store.objects[f"{other.bundle_key}/{name}"]

    with pytest.raises(IntegrityError):
        await plans(store).parts(plan)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "one bit": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "cut off": lambda data: data[: len(data) // 2],
    "empty": lambda _: b"",
    "in clear": lambda _: b"PK\x03\x04 a plan file in clear",
}


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("name", ["plan", "work", "added", "modules", "parts"])
async def test_a_damaged_object_is_not_taken(name: str, how: str) -> None:
    store, plan = await stored(FULL)
    key = f"{plan.bundle_key}/{name}"
    store.objects[key] = DAMAGE[how](store.objects[key])

    with pytest.raises(IntegrityError):
        await plans(store).parts(plan)


@pytest.mark.parametrize("name", ["work", "added", "modules"])
async def test_an_object_that_was_sealed_again_is_not_taken(name: str) -> None:
    # Given somebody who has the key, but not the list of what was stored,
    store, plan = await stored(FULL)
    key = f"{plan.bundle_key}/{name}"
    store.objects[key] = CIPHER.seal(b"something else", context=key)

    with pytest.raises(IntegrityError, match=f"`{name}` is not the one that was stored with it"):
        await plans(store).parts(plan)


async def test_another_plan_file_than_the_reviewed_one_is_refused() -> None:
    store, plan = await stored(FULL)

    with pytest.raises(IntegrityError, match="not the one that was reviewed"):
        await plans(store).parts(record(BARE, plan_sha256="0" * 64))

    assert await plans(store).part(plan, "plan") == b"the plan"


async def test_a_plan_of_an_earlier_version_is_refused() -> None:
    store, plan = await stored(FULL)
    await store.delete(f"{plan.bundle_key}/parts")

    with pytest.raises(IntegrityError, match="stored by an earlier version of Gatewright"):
        await plans(store).parts(plan)


async def test_a_plan_of_a_later_version_is_refused() -> None:
    store, plan = MemoryObjectStore(), record(FULL)
    await sealed(store).create(f"{plan.bundle_key}/parts", json.dumps({"layout": 3}).encode())

    with pytest.raises(IntegrityError, match="stored by another version of Gatewright"):
        await plans(store).parts(plan)
