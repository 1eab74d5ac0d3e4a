"""One state's object on real servers: only exactly what was read is written over, and the lock is Terraform's own."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from bot.adapters.object_store import S3ObjectStore
from bot.adapters.state_object import S3StateObject
from bot.domain.core.errors import ObjectExistsError
from bot.domain.core.model import StateKey
from bot.ports import ObjectStore
from bot.ports.records.restores import StateLock

KEY = StateKey("staging/terraform.tfstate")
OURS = StateLock(id="a-run-of-ours", who="admin by gatewright", created=datetime(2026, 3, 1, tzinfo=UTC))


pytestmark = pytest.mark.parametrize("endpoint_url", ["moto", "weed"], indirect=True)


@pytest.fixture
def state(store: ObjectStore) -> S3StateObject:
    assert isinstance(store, S3ObjectStore)
    return S3StateObject(store=store, key=KEY)


async def test_state_is_written_over_exactly_the_version_that_was_read(state: S3StateObject) -> None:
    # Given a state that was read, and then written by somebody else,
    await state.store.put(KEY, b"damaged")
    read = await state.read()
    await state.store.put(KEY, b"by somebody else")

    # when it is written over what was read, then nothing is written;
    with pytest.raises(ObjectExistsError):
        await state.write(b"restored", over=read)
    assert await state.store.get(KEY) == b"by somebody else"

    # over what is there, it is,
    await state.write(b"restored", over=await state.read())
    assert (await state.read()).data == b"restored"

    # and not over what is gone by then.
    read = await state.read()
    await state.store.delete(KEY)
    with pytest.raises(ObjectExistsError):
        await state.write(b"again", over=read)


async def test_where_there_was_no_state_none_is_written_over(state: S3StateObject) -> None:
    nothing = await state.read()

    await state.write(b"restored", over=nothing)

    assert nothing.data is None
    with pytest.raises(ObjectExistsError):
        await state.write(b"again", over=nothing)
    assert await state.store.get(KEY) == b"restored"


async def test_lock_is_known_as_ours_and_no_other_is_freed(
    state: S3StateObject,
) -> None:
    # Given our lock, when a successor takes it again, then it is ours;
    assert await state.lock(OURS) is None
    assert await state.lock(OURS) is None

    # another run is told who has it, and cannot free it;
    other = StateLock(id="another-run", who="dev", created=OURS.created)
    assert "admin by gatewright" in str(await state.lock(other))
    await state.unlock(other)
    assert json.loads(await state.store.get(f"{KEY}.tflock"))["ID"] == OURS.id

    # and we can, twice.
    await state.unlock(OURS)
    await state.unlock(OURS)
    assert await state.store.list(KEY) == []
