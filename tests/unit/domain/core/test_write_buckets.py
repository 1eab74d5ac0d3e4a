from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.core.write_buckets import (
    CLAIM_SECONDS,
    POLL_SECONDS,
    Bucket,
    Turn,
    WriteKind,
    WriteLimits,
    WriteState,
    ask,
    close,
    release,
)

CONTENT = WriteKind(awaited=True, content=True)
UPDATE = WriteKind(awaited=True, content=False)
ANSWER = WriteKind(asked=True, awaited=True, content=True)
REACTION = WriteKind(asked=True, awaited=True, content=False)
NOTE = WriteKind(awaited=False, content=True)
RECORD = WriteKind(awaited=False, content=False)
USUAL = WriteLimits()
NOW = 1_772_366_400.0


class Book:
    """The state, and who asked when."""

    def __init__(self, limits: WriteLimits = USUAL) -> None:
        self.limits = limits
        self.state = WriteState()

    def ask(self, *kinds: WriteKind, at: float = NOW, by: str = "one") -> Turn:
        self.state, turn = ask(self.state, self.limits, by, kinds, at)
        return turn

    def write(self, kind: WriteKind, *, at: float = NOW, most: int = 1000) -> int:
        """How many of a kind go at once."""
        return next((number for number in range(most) if self.ask(kind, at=at).granted is None), most)

    def release(self, by: str = "one") -> None:
        self.state = release(self.state, by)


def small(tokens: int, *, seconds: float = 60.0, reserved: int = 0, lease: float = 10.0) -> WriteLimits:
    bucket = Bucket(tokens=tokens, seconds=seconds, reserved=reserved)
    return WriteLimits(buckets={"minute": bucket}, lease_seconds=lease)


def test_full_buckets_are_spent_at_once() -> None:
    comments, checks = Book().write(ANSWER), Book().write(REACTION)

    assert (comments, checks) == (60, 120)


def test_background_writes_leave_tokens_to_what_people_wait_for() -> None:
    book = Book()

    records = book.write(RECORD)
    updates = book.write(UPDATE)
    reactions = book.write(REACTION)

    assert (records, updates, reactions) == (80, 30, 10)


def test_what_a_push_brings_about_leaves_tokens_to_answers() -> None:
    book = Book()

    assert (book.write(CONTENT), book.write(ANSWER)) == (50, 10)


def test_answer_goes_before_comment_of_a_push_of_another_process() -> None:
    book = Book()
    book.ask(CONTENT, by="one")
    book.ask(ANSWER, by="two", at=NOW + 0.1)

    first = book.ask(CONTENT, by="one", at=NOW + 0.2)
    then = book.ask(ANSWER, by="two", at=NOW + 0.3)

    assert (first.granted, then.granted) == (None, ANSWER)


def test_issues_leave_content_to_comments() -> None:
    book = Book()

    assert (book.write(NOTE), book.write(CONTENT), book.write(ANSWER)) == (40, 10, 10)


def test_spent_content_does_not_stop_checks() -> None:
    book = Book()
    book.write(CONTENT)

    turn = book.ask(CONTENT, RECORD)

    assert turn.granted == RECORD
    assert turn.waits == {CONTENT: 60.0}
    assert turn.starved == {CONTENT}


def test_a_token_is_back_a_minute_after_it_was_spent() -> None:
    book = Book(small(2))
    book.ask(UPDATE, at=NOW)
    book.ask(UPDATE, at=NOW + 30)

    early = book.ask(UPDATE, at=NOW + 59.5)
    due = book.ask(UPDATE, at=NOW + 60)
    next_one = book.ask(UPDATE, at=NOW + 60)

    assert (early.granted, early.waits) == (None, {UPDATE: 0.5})
    assert due.granted == UPDATE
    assert next_one.waits == {UPDATE: 30.0}


def test_the_hour_ends_what_the_minutes_allow() -> None:
    book = Book()

    written = [book.write(ANSWER, at=NOW + 61 * minute) for minute in range(10)]
    refused = book.ask(ANSWER, at=NOW + 61 * 10)

    assert written == [60, 60, 60, 60, 60, 60, 40, 0, 0, 0]
    assert 2900 < refused.waits[ANSWER] < 3061


@given(
    st.lists(
        st.tuples(st.floats(0, 30), st.sampled_from([CONTENT, ANSWER, REACTION, NOTE, RECORD])), max_size=300
    )
)
def test_no_minute_of_any_start_holds_more_than_its_limit(steps: list[tuple[float, WriteKind]]) -> None:
    limits = WriteLimits(
        buckets={
            "content": Bucket(tokens=5, seconds=60.0, only_content=True, reserved=2),
            "all": Bucket(tokens=8, seconds=60.0, reserved=3),
        }
    )
    book, now, written = Book(limits), NOW, list[tuple[float, WriteKind]]()

    for rest, kind in steps:
        now += rest
        if book.ask(kind, at=now).granted is not None:
            written.append((now, kind))

    content = [at for at, kind in written if kind.content]
    every = [at for at, _ in written]
    assert all(late - early >= 60 for early, late in zip(content, content[5:], strict=False))
    assert all(late - early >= 60 for early, late in zip(every, every[8:], strict=False))


@given(st.lists(st.floats(0, 30), max_size=60), st.sampled_from([CONTENT, RECORD]))
def test_who_waits_as_long_as_told_is_served(rests: list[float], kind: WriteKind) -> None:
    book, now = Book(small(3, reserved=1)), NOW

    for rest in rests:
        now += rest
        turn = book.ask(kind, at=now)
        if turn.granted is None:
            now += turn.waits[kind]
            assert book.ask(kind, at=now + 1e-6).granted == kind


def test_one_process_writes_at_a_time() -> None:
    book = Book()
    book.ask(RECORD, by="one")

    meanwhile = book.ask(RECORD, by="two")
    book.release(by="one")
    afterwards = book.ask(RECORD, by="two")

    assert (meanwhile.granted, meanwhile.waits, meanwhile.starved) == (
        None,
        {RECORD: POLL_SECONDS},
        frozenset(),
    )
    assert afterwards.granted == RECORD


def test_a_killed_process_stops_nobody_for_long() -> None:
    book = Book(small(9, lease=10.0))
    book.ask(RECORD, by="killed", at=NOW)

    assert book.ask(RECORD, by="two", at=NOW + 9.9).granted is None
    assert book.ask(RECORD, by="two", at=NOW + 10).granted == RECORD


def test_what_person_waits_for_goes_before_records_of_another_process() -> None:
    book = Book()
    book.ask(RECORD, by="one")
    book.ask(CONTENT, by="two", at=NOW + 0.1)

    first = book.ask(RECORD, by="one", at=NOW + 0.2)
    then = book.ask(CONTENT, by="two", at=NOW + 0.3)

    assert (first.granted, first.waits) == (None, {RECORD: POLL_SECONDS})
    assert then.granted == CONTENT


def test_two_processes_take_turns() -> None:
    book = Book()
    book.ask(RECORD, by="one")
    served, now = list[str](), NOW

    for name in ("two", "one", "one", "two") * 3:
        now += 0.01
        if book.ask(RECORD, by=name, at=now).granted is not None:
            served.append(name)

    assert served == ["two", "one", "two", "one", "two"]


def test_who_no_longer_asks_is_not_waited_for() -> None:
    book = Book()
    book.ask(RECORD, by="one")
    book.ask(CONTENT, by="killed")

    assert book.ask(RECORD, by="one", at=NOW + CLAIM_SECONDS).granted == RECORD


def test_a_claim_that_lacks_tokens_stops_nobody() -> None:
    book = Book()
    book.write(CONTENT)
    book.release()
    book.ask(CONTENT, by="two")

    assert book.ask(RECORD, by="one", at=NOW + 0.1).granted == RECORD


def test_a_limit_of_github_empties_everything_until_it_ends() -> None:
    book = Book()
    book.state = close(book.state, NOW + 90)
    book.state = close(book.state, NOW + 60)

    turn = book.ask(CONTENT, RECORD)

    assert turn == Turn(
        granted=None, waits={CONTENT: 90.0, RECORD: 90.0}, starved=frozenset({CONTENT, RECORD})
    )
    assert book.ask(CONTENT, RECORD, at=NOW + 90).granted == CONTENT


def test_a_clock_that_ran_ahead_shuts_nobody_up_for_long() -> None:
    book = Book(small(1))
    ahead = NOW + 86_400 * 365
    book.ask(RECORD, by="wrong", at=ahead)
    book.state = close(book.state, ahead)

    turn = book.ask(RECORD, by="right", at=NOW)

    assert turn.waits[RECORD] <= 3660
    assert book.ask(RECORD, by="right", at=NOW + 3661).granted == RECORD
