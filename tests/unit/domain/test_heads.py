"""Heads are numbered from deliveries that may be lost, late, doubled or out of order."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.core.heads import (
    LAG,
    Doubt,
    HeadReport,
    Placed,
    RecordedHead,
    head_key,
    is_of_head,
    is_reported_by,
    place,
    shows_an_older_head,
)
from bot.domain.core.model import DeliveryId, Sha
from tests.fakes.records import builders
from tests.fakes.records.builders import NOON

A, B, C, D = (Sha(letter * 40) for letter in "abcd")


def opened(after: Sha, id: str = "opened") -> HeadReport:
    return HeadReport(delivery_id=DeliveryId(id), after=after, is_first=True)


def pushed(before: Sha, after: Sha, id: str | None = None) -> HeadReport:
    return HeadReport(delivery_id=DeliveryId(id or f"{before[0]}-{after[0]}"), before=before, after=after)


def reopened(after: Sha) -> HeadReport:
    return HeadReport(delivery_id=DeliveryId("reopened"), after=after)


def recorded(*reports: HeadReport, newest: Sha | None = None) -> list[RecordedHead]:
    """Return the heads after reports in this order; what they leave in doubt GitHub answers with `newest`."""
    heads: list[RecordedHead] = []
    for report in reports:
        placed = place(heads, report)
        if not isinstance(placed, Placed):
            answered = newest is not None and heads[-1].head_sha != newest
            placed = Placed(new=(newest,) if newest is not None and answered else ())
        known = placed.known
        for sha in placed.new:
            known = len(heads) + 1
            heads.append(RecordedHead(number=known, head_sha=sha, recorded_at=NOON))
        if known is not None and heads[known - 1].head_sha == report.after and is_reported_by(known, report):
            heads[known - 1] = replace(heads[known - 1], delivery_id=report.delivery_id)
    return heads


@pytest.mark.parametrize(
    ("reports", "heads"),
    [
        pytest.param([opened(A)], [A], id="opened"),
        pytest.param([opened(A), pushed(A, B)], [A, B], id="pushed"),
        pytest.param([opened(A), pushed(A, B), pushed(B, A)], [A, B, A], id="back to an older commit"),
        pytest.param([opened(A), pushed(B, A)], [A, B, A], id="back, and the push in between was lost"),
        pytest.param([opened(A), pushed(B, A), pushed(A, B)], [A, B, A], id="back, and the push came late"),
        pytest.param([opened(A), pushed(B, C)], [A, B, C], id="a push was lost"),
        pytest.param([opened(A), pushed(B, C), pushed(A, B)], [A, B, C], id="a push came late"),
        pytest.param([opened(A), pushed(A, B), pushed(A, B)], [A, B], id="a delivery came twice"),
        pytest.param([opened(A), pushed(A, B), pushed(A, B, "x")], [A, B], id="under two ids"),
        pytest.param([pushed(A, B), opened(A)], [A, B], id="opened came late"),
        pytest.param([pushed(A, B), opened(C)], [A, B], id="opened came late, and its push was lost"),
        pytest.param([pushed(A, B)], [A, B], id="opened was lost"),
        pytest.param([opened(A), reopened(A)], [A], id="reopened where it was"),
        pytest.param([opened(A), reopened(B)], [A, B], id="reopened after pushes"),
        pytest.param(
            [opened(A), pushed(A, B), pushed(B, A), pushed(A, B, "again")], [A, B, A, B], id="back and forth"
        ),
    ],
)
def test_heads_are_numbered(reports: list[HeadReport], heads: list[Sha]) -> None:
    assert [head.head_sha for head in recorded(*reports)] == heads


@pytest.mark.parametrize(
    ("reports", "late"),
    [
        pytest.param([opened(A), pushed(A, C, "third")], pushed(B, A), id="back, reported after the next"),
        pytest.param([opened(A), pushed(A, C, "third")], pushed(A, B), id="away, reported after the next"),
        pytest.param([opened(A), pushed(C, D)], pushed(A, B), id="two were lost, and one of them comes"),
        pytest.param([opened(A), pushed(A, B)], reopened(A), id="reopened at an older commit"),
        pytest.param([opened(A), pushed(B, A)], pushed(A, B), id="away before, or away once more"),
        pytest.param([pushed(C, D)], pushed(A, B), id="older than all that is known, or much newer"),
        pytest.param([pushed(A, B)], pushed(C, A), id="back to the first that is known, or older than that"),
    ],
)
def test_only_github_can_say_what_some_reports_are(reports: list[HeadReport], late: HeadReport) -> None:
    assert place(recorded(*reports), late) is Doubt.LATE_OR_NEWEST


@example(pushes=[B, A, B], lost={1})
@given(
    pushes=st.lists(st.sampled_from([A, B, C, D]), max_size=6),
    lost=st.sets(st.integers(0, 6), max_size=1),
)
def test_the_newest_delivery_leaves_the_newest_head(pushes: list[Sha], lost: set[int]) -> None:
    assert last_head([A, *pushes], lost) == [A, *pushes][-1]


# Of commits that come back, two lost deliveries can look like one that is late: GitHub's answer then corrects it.
@given(pushes=st.permutations([B, C, D]), lost=st.sets(st.integers(0, 3)))
def test_any_lost_deliveries_of_new_commits_leave_the_newest_head(pushes: list[Sha], lost: set[int]) -> None:
    assert last_head([A, *pushes], lost) == pushes[-1]


def last_head(pushes: list[Sha], lost: set[int]) -> Sha:
    """Return the last recorded head after pushes in order; the delivery of the last one always comes."""
    heads = [sha for sha, _ in itertools.groupby(pushes)]
    reports = [opened(heads[0])]
    reports += [pushed(*pair, f"{place_}") for place_, pair in enumerate(itertools.pairwise(heads))]
    kept = [report for place_, report in enumerate(reports) if place_ not in lost or report is reports[-1]]
    return recorded(*kept, newest=heads[-1])[-1].head_sha


@pytest.mark.parametrize("order", [*itertools.permutations(range(4))])
def test_any_order_of_new_commits_leaves_the_newest_head(order: tuple[int, ...]) -> None:
    reports = [opened(A), pushed(A, B), pushed(B, C), pushed(C, D)]

    found = recorded(*(reports[place_] for place_ in order), newest=D)

    assert found[-1].head_sha == D


def test_an_answer_with_an_older_head_is_behind_for_seconds() -> None:
    heads = recorded(opened(A), pushed(A, B))
    soon, later = NOON + timedelta(seconds=3), NOON + LAG

    assert shows_an_older_head(heads, A, soon)
    assert not shows_an_older_head(heads, A, later), "then it was pushed back"
    assert not shows_an_older_head(heads, C, soon), "a commit that nobody has reported is newer"
    assert not shows_an_older_head(heads, B, soon)
    assert not shows_an_older_head([], A, soon)


def test_what_was_made_of_a_commit_belongs_to_its_number() -> None:
    pull = builders.pull(head_number=3)

    assert is_of_head(builders.plan(head_number=3), pull)
    assert not is_of_head(builders.plan(head_number=1), pull)
    assert is_of_head(builders.plan(head_number=None), pull), "an older version knew no numbers"
    assert not is_of_head(builders.plan(head_number=3, head_sha=B), pull)


def test_keys_of_first_heads_are_those_of_older_versions() -> None:
    assert [head_key(A, number) for number in (None, 1, 2)] == [A, A, f"{A}/2"]
