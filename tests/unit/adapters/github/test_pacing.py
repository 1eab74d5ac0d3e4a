from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from bot.adapters.github.call import CONTENT, REACTION, RECORD
from bot.adapters.github.newest import NewestOnly
from bot.adapters.github.options import Options
from bot.adapters.github.pacing import OwnLedger, Place, Result, WriteQueue
from bot.adapters.github.transport import Answer
from bot.domain.core.errors import GatewrightError, GitHubUnavailableError
from bot.domain.core.write_buckets import Bucket, WriteKind, WriteLimits, WriteState
from bot.ports.write_ledger import WriteLedger
from tests.fakes.clock import PassingTime

ORG = "acme"


def limits(tokens: int, *, seconds: float = 60.0) -> WriteLimits:
    return WriteLimits(buckets={"minute": Bucket(tokens=tokens, seconds=seconds)})


class Queue:
    """A queue, and what was written through it."""

    def __init__(
        self,
        time: PassingTime,
        *,
        limits: WriteLimits | None = None,
        ledger: WriteLedger | None = None,
        patience: float = 120.0,
    ) -> None:
        options = Options(write_limits=limits or WriteLimits(), ledger=ledger, patience=patience)
        self.queue = WriteQueue(time, options, time.waits())
        self.time = time
        self.written: list[tuple[str, float]] = []
        self.at_once = 0
        self.most_at_once = 0

    async def write(self, name: str, kind: WriteKind = RECORD, place: Place | None = None) -> Answer:
        async with self.queue.turn(ORG, place or self.queue.place(kind, f"writing {name}")):
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            await asyncio.sleep(0)
            self.written.append((name, round(self.time.passed, 3)))
            self.at_once -= 1
        return Answer(data=name, more=False)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.written]


async def test_a_burst_waits_for_nothing() -> None:
    queue = Queue(PassingTime())

    await asyncio.gather(*(queue.write(str(number), CONTENT) for number in range(50)))

    assert queue.written == [(str(number), 0.0) for number in range(50)]
    assert queue.most_at_once == 1


async def test_what_people_wait_for_goes_first_and_rest_in_order() -> None:
    queue = Queue(PassingTime())
    kinds = {
        "check 1": RECORD,
        "check 2": RECORD,
        "comment 1": CONTENT,
        "eyes": REACTION,
        "comment 2": CONTENT,
    }

    await asyncio.gather(*(queue.write(name, kind) for name, kind in kinds.items()))

    assert queue.names == ["eyes", "comment 1", "comment 2", "check 1", "check 2"]


async def test_awaited_latecomer_does_not_wait_for_tokens_of_others() -> None:
    queue = Queue(PassingTime())

    await asyncio.gather(*(queue.write(f"check {number}") for number in range(80)))
    waiting = [asyncio.create_task(queue.write(f"check {number}")) for number in range(80, 90)]
    await queue.write("comment", CONTENT)
    at = queue.time.passed
    await asyncio.gather(*waiting)

    assert at < 1
    assert queue.written[-1][1] >= 59


async def test_writes_go_on_as_tokens_come_back() -> None:
    queue = Queue(PassingTime(), limits=limits(2))

    await asyncio.gather(*(queue.write(str(number)) for number in range(5)))

    assert queue.names == ["0", "1", "2", "3", "4"]
    minutes = [int(at // 60) for _, at in queue.written]
    assert minutes == [0, 0, 1, 1, 2]


async def test_installations_do_not_wait_for_each_other() -> None:
    queue = Queue(PassingTime(), limits=limits(1))
    await queue.write("here")

    async with queue.queue.turn("other", queue.queue.place(RECORD, "writing elsewhere")):
        passed = queue.time.passed

    assert passed == 0


async def test_turn_too_far_away_is_refused_with_its_time() -> None:
    queue = Queue(PassingTime(), limits=limits(2, seconds=3600.0))
    await queue.write("1")
    await queue.write("2")

    with pytest.raises(GitHubUnavailableError, match="writing 3: GitHub's limit") as caught:
        await queue.write("3")
    queue.time.passed += 3600
    await queue.write("4")

    assert caught.value.retry_after == 3600.0
    assert queue.names == ["1", "2", "4"]


async def test_a_limit_of_github_stops_every_queue_on_the_ledger() -> None:
    time, ledger = PassingTime(), OwnLedger()
    one, two = Queue(time, ledger=ledger), Queue(time, ledger=ledger)
    await one.write("before")

    await one.queue.close(ORG, 60)
    await two.write("after")

    assert two.written[0][1] >= 60


async def test_a_cancelled_waiter_does_not_use_up_a_turn() -> None:
    queue = Queue(PassingTime(), limits=limits(2))
    await queue.write("1")
    cancelled = asyncio.create_task(queue.write("cancelled"))
    await asyncio.sleep(0)

    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    await queue.write("2")

    assert queue.written == [("1", 0.0), ("2", 0.0)]


@pytest.mark.parametrize("steps", range(12))
async def test_a_write_cancelled_at_any_moment_leaves_the_way_free(steps: int) -> None:
    queue = Queue(PassingTime())
    cancelled = asyncio.create_task(queue.write("cancelled"))
    for _ in range(steps):
        await asyncio.sleep(0)

    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    await queue.write("next")

    assert queue.names[-1] == "next"


async def test_stopping_process_refuses_who_waits_and_ends_what_it_writes() -> None:
    queue = Queue(PassingTime())
    writing = asyncio.Event()

    async def hold() -> None:
        async with queue.queue.turn(ORG, queue.queue.place(RECORD, "writing first")):
            writing.set()
            await asyncio.sleep(0)
            queue.written.append(("first", 0.0))

    first = asyncio.create_task(hold())
    await writing.wait()
    second = asyncio.create_task(queue.write("second"))
    await asyncio.sleep(0)

    await queue.queue.stop()

    assert queue.names == ["first"]
    await first
    with pytest.raises(GitHubUnavailableError, match="writing second: the process is stopping"):
        await second


class Broken:
    """A ledger whose database is away."""

    async def change_writes(
        self, installation: str, step: Callable[[WriteState], tuple[WriteState, Result]]
    ) -> Result:
        raise GatewrightError(f"counting {installation} for {step}: no database")


async def test_without_the_ledger_writes_are_refused_for_now() -> None:
    queue = Queue(PassingTime(), ledger=Broken())

    with pytest.raises(GitHubUnavailableError, match=r"writing it: counting acme .*: no database"):
        await queue.write("it")
    await queue.queue.close(ORG, 60)

    assert queue.written == []


class States:
    """States of one thing, written through a queue."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.newest = NewestOnly()

    def start(self, name: str, subject: str = "check") -> asyncio.Task[Answer]:
        place = self.queue.queue.place(RECORD, name)
        return asyncio.create_task(
            self.newest.write(subject, place, lambda: self.queue.write(name, place=place))
        )


async def test_only_the_newest_state_is_written_where_older_ones_wait() -> None:
    queue = Queue(PassingTime())
    states = States(queue)

    tasks = [states.start(name) for name in ("queued", "running", "done")]
    other = states.start("other", "another check")
    answers = await asyncio.gather(*tasks, other)

    assert queue.names == ["done", "other"]
    assert [answer.data for answer in answers] == ["done", "done", "done", "other"]


async def test_the_newest_state_takes_the_place_of_the_older_one() -> None:
    queue = Queue(PassingTime())
    states = States(queue)

    async with queue.queue.turn(ORG, queue.queue.place(RECORD, "writing")):
        tasks = [states.start("old"), states.start("other", "another check"), states.start("new")]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)

    assert queue.names == ["new", "other"]


async def test_state_that_is_written_already_is_followed_by_the_next() -> None:
    queue = Queue(PassingTime())
    states = States(queue)

    await states.start("running")
    await states.start("done")

    assert queue.names == ["running", "done"]


async def test_older_state_is_written_where_the_newer_one_is_stopped() -> None:
    queue = Queue(PassingTime())
    states = States(queue)
    holding = asyncio.create_task(queue.write("first", CONTENT))
    older = states.start("older")
    newer = states.start("newer")
    await asyncio.sleep(0)

    newer.cancel()
    await asyncio.gather(holding, older)

    assert queue.names == ["first", "older"]


async def test_failed_older_state_is_not_tried_again_over_newer_one() -> None:
    queue = Queue(PassingTime())
    newest = NewestOnly()
    place = queue.queue.place(RECORD, "older")
    tried, refused = asyncio.Event(), asyncio.Event()

    async def twice() -> Answer:
        await queue.write("older, refused", place=place)
        tried.set()
        await refused.wait()
        return await queue.write("older, again", place=place)

    older = asyncio.create_task(newest.write("check", place, twice))
    await tried.wait()
    second = queue.queue.place(RECORD, "newer")
    await newest.write("check", second, lambda: queue.write("newer", place=second))
    refused.set()

    assert (await older).data == "newer"
    assert queue.names == ["older, refused", "newer"]


async def test_failure_of_newest_state_is_that_of_the_older_ones() -> None:
    queue = Queue(PassingTime())
    newest = NewestOnly()

    async def fail(place: Place) -> Answer:
        await queue.write("tried", place=place)
        raise GatewrightError("refused")

    places = [queue.queue.place(RECORD, name) for name in ("old", "new")]
    outcomes = await asyncio.gather(
        *(newest.write("check", place, lambda place=place: fail(place)) for place in places),  # type: ignore[misc]
        return_exceptions=True,
    )

    assert [str(outcome) for outcome in outcomes] == ["refused", "refused"]
    assert queue.names == ["tried"]
