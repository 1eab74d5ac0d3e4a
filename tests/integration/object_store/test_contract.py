"""What every object store promises: the twin in memory, moto, and a real S3 server."""

from __future__ import annotations

import asyncio

import pytest

from bot.domain.core.errors import ObjectExistsError, ObjectMissingError
from bot.ports import ObjectStore


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"text\n", id="text"),
        pytest.param(bytes(range(256)), id="every byte"),
        pytest.param(b"0123456789abcdef" * 2**19, id="eight mebibytes"),
    ],
)
async def test_what_is_put_is_got(store: ObjectStore, data: bytes) -> None:
    await store.put("some/key", data)

    assert await store.get("some/key") == data


@pytest.mark.parametrize(
    "key",
    [
        "plain",
        "with space",
        "plus+percent%25and&",
        "question?hash#",
        "ünïcode/ключ",
        "many/folders/deep/0000000001-1a2b3c4d.tfstate",
    ],
)
async def test_any_key_is_kept_as_it_is(store: ObjectStore, key: str) -> None:
    await store.put(key, b"data")

    assert await store.get(key) == b"data"
    assert list(await store.list("")) == [key]


async def test_a_second_put_replaces_the_first(store: ObjectStore) -> None:
    await store.put("key", b"first")

    await store.put("key", b"second")

    assert await store.get("key") == b"second"


async def test_a_missing_object_is_named(store: ObjectStore) -> None:
    with pytest.raises(ObjectMissingError, match="reading no/such/key"):
        await store.get("no/such/key")


async def test_a_deleted_object_is_gone_and_may_be_deleted_again(store: ObjectStore) -> None:
    await store.put("key", b"data")

    await store.delete("key")
    await store.delete("key")

    assert list(await store.list("")) == []
    with pytest.raises(ObjectMissingError):
        await store.get("key")


async def test_create_only_creates_once_and_keeps_what_is_there(store: ObjectStore) -> None:
    await store.put("key", b"first", create_only=True)

    with pytest.raises(ObjectExistsError, match="creating key"):
        await store.put("key", b"second", create_only=True)

    assert await store.get("key") == b"first"


async def test_create_only_refuses_equal_bytes_too(store: ObjectStore) -> None:
    await store.put("key", b"same", create_only=True)

    with pytest.raises(ObjectExistsError):
        await store.put("key", b"same", create_only=True)


async def test_create_only_works_again_after_a_delete(store: ObjectStore) -> None:
    await store.put("key", b"first", create_only=True)
    await store.delete("key")

    await store.put("key", b"second", create_only=True)

    assert await store.get("key") == b"second"


async def test_of_many_creators_one_wins(store: ObjectStore) -> None:
    async def create(number: int) -> int | None:
        try:
            await store.put("lock", str(number).encode(), create_only=True)
        except ObjectExistsError:
            return None
        return number

    created = await asyncio.gather(*(create(number) for number in range(8)))

    winners = [number for number in created if number is not None]
    assert [str(number).encode() for number in winners] == [await store.get("lock")]


async def test_listing_is_sorted_and_keeps_to_the_prefix(store: ObjectStore) -> None:
    keys = ["history/b", "history/a/2", "history/a/1", "history-of/c", "other"]
    for key in keys:
        await store.put(key, b"x")

    assert list(await store.list("history/")) == ["history/a/1", "history/a/2", "history/b"]
    assert list(await store.list("history/a/1")) == ["history/a/1"]
    assert list(await store.list("hist")) == ["history-of/c", "history/a/1", "history/a/2", "history/b"]
    assert list(await store.list("nothing")) == []


async def test_more_objects_than_one_answer_holds_are_all_listed(store: ObjectStore) -> None:
    keys = [f"logs/{number:05d}" for number in range(1005)]
    await asyncio.gather(*(store.put(key, b"x") for key in keys))

    assert list(await store.list("logs/")) == keys


async def test_store_with_create_only_passes_the_probe_and_stays_clean(
    store: ObjectStore,
) -> None:
    await store.probe()

    assert list(await store.list("")) == []
