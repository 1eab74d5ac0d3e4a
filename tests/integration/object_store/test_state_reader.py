from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from bot.adapters.encryption import AesGcmCipher
from bot.adapters.sealed_objects import EncryptedObjects
from bot.adapters.state_reader import NO_STATE, lock_info, read_snapshot, read_state, snapshot
from bot.domain.core.errors import IntegrityError, StoreError
from bot.domain.core.model import StateIdentity, StateKey
from bot.ports import ObjectStore
from tests.fakes.object_store import MemoryObjectStore

KEY = StateKey("staging/terraform.tfstate")
LINEAGE = "1a2b3c4d-0000-1111-2222-333344445555"
CIPHER = AesGcmCipher(b"k" * 32)


def a_state(serial: Any = 7, lineage: Any = LINEAGE) -> bytes:
    return json.dumps({"version": 4, "serial": serial, "lineage": lineage, "resources": []}).encode()


def sealed(store: ObjectStore) -> EncryptedObjects:
    return EncryptedObjects(objects=store, cipher=CIPHER)


def identity_of(data: bytes, serial: int = 7, lineage: str = LINEAGE) -> StateIdentity:
    return StateIdentity(serial=serial, lineage=lineage, sha256=hashlib.sha256(data).hexdigest())


async def test_a_state_says_its_serial_lineage_and_digest(store: ObjectStore) -> None:
    await store.put(KEY, a_state())

    identity, data = await read_state(store, KEY)

    assert data == a_state()
    assert identity == identity_of(a_state())


async def test_no_state_is_no_error(store: ObjectStore) -> None:
    assert await read_state(store, KEY) == (NO_STATE, None)


async def test_empty_object_is_no_state_as_it_is_for_terraform() -> None:
    store = MemoryObjectStore()
    await store.put(KEY, b"")

    assert await read_state(store, KEY) == (NO_STATE, None)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x1f\x8b", id="not JSON"),
        pytest.param(b"[1]", id="not an object"),
        pytest.param(b"[" * 100_000, id="nested too deep"),
        pytest.param(a_state(serial="7"), id="serial is a text"),
        pytest.param(a_state(serial=True), id="serial is a truth value"),
        pytest.param(a_state(serial=-1), id="serial is negative"),
        pytest.param(a_state(lineage=None), id="no lineage"),
    ],
)
async def test_an_object_that_is_no_state_is_refused(data: bytes) -> None:
    store = MemoryObjectStore()
    await store.put(KEY, data)

    with pytest.raises(StoreError, match="is not a Terraform state"):
        await read_state(store, KEY)


async def test_snapshot_is_kept_sealed_under_its_serial_and_comes_back(store: ObjectStore) -> None:
    data = a_state()
    digest = hashlib.sha256(data).hexdigest()

    object_key = await snapshot(sealed(store), KEY, data, identity_of(data))

    assert object_key == f"history/staging/terraform.tfstate/0000000007-1a2b3c4d-{digest}.tfstate"
    assert b"lineage" not in await store.get(object_key)
    assert await read_snapshot(sealed(store), object_key) == data


async def test_the_same_snapshot_twice_is_one_object(store: ObjectStore) -> None:
    first = await snapshot(sealed(store), KEY, a_state(), identity_of(a_state()))
    kept = await store.get(first)

    second = await snapshot(sealed(store), KEY, a_state(), identity_of(a_state()))

    assert second == first
    assert list(await store.list("history/")) == [first]
    assert await store.get(first) == kept


async def test_a_damaged_snapshot_does_not_pass_for_one_kept_before() -> None:
    store = MemoryObjectStore()
    object_key = await snapshot(sealed(store), KEY, a_state(), identity_of(a_state()))
    kept = store.objects[object_key]
    store.objects[object_key] = kept[:-1] + bytes([kept[-1] ^ 1])

    with pytest.raises(IntegrityError):
        await snapshot(sealed(store), KEY, a_state(), identity_of(a_state()))


async def test_a_snapshot_of_other_bytes_than_were_read_is_refused() -> None:
    store = MemoryObjectStore()

    with pytest.raises(IntegrityError):
        await snapshot(sealed(store), KEY, a_state(serial=8), identity_of(a_state()))
    with pytest.raises(IntegrityError):
        await snapshot(sealed(store), KEY, b"", NO_STATE)

    assert store.objects == {}


async def test_sealed_value_with_a_state_unlike_its_name_is_refused() -> None:
    store = MemoryObjectStore()
    object_key = f"history/{KEY}/0000000007-1a2b3c4d-{'0' * 64}.tfstate"
    await store.put(object_key, CIPHER.seal(a_state(), context=object_key))

    with pytest.raises(IntegrityError, match="does not hold the state that its name says"):
        await read_snapshot(sealed(store), object_key)


@pytest.mark.parametrize(
    ("lineage", "part"), [("../../../x", "______"), ("", "none"), ("a b\nc", "a_b_c"), ("ключ", "____")]
)
async def test_a_lineage_cannot_name_another_folder(lineage: str, part: str) -> None:
    store = MemoryObjectStore()
    data = a_state(lineage=lineage)

    object_key = await snapshot(sealed(store), KEY, data, identity_of(data, lineage=lineage))

    assert object_key.startswith(f"history/{KEY}/0000000007-{part}")
    assert object_key.count("/") == 3


async def test_a_free_lock_is_none(store: ObjectStore) -> None:
    assert await lock_info(store, KEY) is None


async def test_a_held_lock_names_its_holder(store: ObjectStore) -> None:
    info = {
        "ID": "9db590f1-b6fe-c5f2-2678-8804f089deba",
        "Operation": "OperationTypeApply",
        "Info": "",
        "Who": "dana@laptop",
        "Version": "1.11.4",
        "Created": "2026-03-01T12:00:00.123Z",
        "Path": "state/staging/terraform.tfstate",
    }
    await store.put(f"{KEY}.tflock", json.dumps(info).encode())

    assert await lock_info(store, KEY) == (
        "dana@laptop for OperationTypeApply since 2026-03-01T12:00:00.123Z "
        "(lock id 9db590f1-b6fe-c5f2-2678-8804f089deba)"
    )


@pytest.mark.parametrize("data", [b"", b"not json", b"[]", b"[" * 100_000])
async def test_a_lock_that_cannot_be_read_is_still_a_lock(data: bytes) -> None:
    store = MemoryObjectStore()
    await store.put(f"{KEY}.tflock", data)

    assert await lock_info(store, KEY) == "a process whose lock file cannot be read"


async def test_what_a_lock_says_is_made_safe_to_show() -> None:
    store = MemoryObjectStore()
    info = {"Who": "x" * 500, "Operation": "a\n\n## `Fake` heading\x1b[31m", "Created": 5}
    await store.put(f"{KEY}.tflock", json.dumps(info).encode())

    text = await lock_info(store, KEY)

    assert text == f"{'x' * 120} for a## 'Fake' heading[31m since 5 (lock id unknown)"
