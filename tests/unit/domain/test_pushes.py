from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from bot.domain.core.model import Sha
from bot.domain.gates.pushes import NO_COMMIT, Lineage, Push, Pushed, Pushes, who_pushed
from tests.fakes.accounts import account
from tests.fakes.records.builders import NOON

OWN = "refs/heads/change"
OTHER = "refs/heads/other"


def sha(name: str) -> Sha:
    """Return a commit id from a letter; `0` is no commit."""
    return NO_COMMIT if name == "0" else Sha(f"{ord(name):040x}")


def push(sender: str, moves: str, *, ref: str = OWN, minute: float = 0) -> Push:
    """Return a push from `a-b`."""
    before, after = moves.split("-")
    at = NOON + timedelta(minutes=minute)
    return Push(ref=ref, before=sha(before), after=sha(after), sender=account(sender), at=at)


def judged(
    history: Mapping[str, str],
    *pushes: Push,
    head: str = "a",
    heads: str = "",
    in_base: str = "m",
    clean: Mapping[str, str] | None = None,
    trusted: frozenset[str] = frozenset(),
) -> Pushed:
    """Judge commits from `{"b": "am"}`, commit -> parents; `m` and every other one is the base's."""
    lineage = Lineage(
        head=sha(head),
        parents={sha(each): tuple(sha(parent) for parent in of) for each, of in history.items()},
        in_base=frozenset(sha(each) for each in in_base),
        clean_merges={sha(each): sha(into) for each, into in (clean or {}).items()},
    )
    known = frozenset(sha(each) for each in heads)
    return who_pushed(Pushes(lineage=lineage, heads=known, pushes=pushes, ref=OWN, trusted=trusted))


def pushers(found: Pushed) -> set[str]:
    return {each.login for each in found.pushers}


def unknown(found: Pushed) -> list[str]:
    return [chr(int(each.sha, 16)) for each in found.unknown]


ONE = {"a": "m"}
TWO = {"b": "a", "a": "m"}
UPDATED = {"u": "an", "a": "m"}


def test_who_pushed_the_head_is_its_pusher() -> None:
    found = judged(ONE, push("dev", "m-a"))

    assert (pushers(found), unknown(found)) == ({"dev"}, [])


def test_head_that_nobody_is_known_to_have_pushed_is_unknown() -> None:
    assert unknown(judged(ONE)) == ["a"]


def test_push_of_the_same_commit_elsewhere_leaves_it_unknown() -> None:
    found = judged(ONE, push("dev", "0-a", ref=OTHER))

    assert (pushers(found), unknown(found)) == ({"dev"}, ["a"])


def test_everybody_who_pushed_a_commit_counts_on_whatever_branch() -> None:
    found = judged(
        TWO,
        push("dev", "m-a"),
        push("dev", "a-b", minute=1),
        push("owner", "0-a", ref=OTHER, minute=2),
        head="b",
    )

    assert (pushers(found), unknown(found)) == ({"dev", "owner"}, [])


def test_an_earlier_tip_of_the_branch_must_be_known_too() -> None:
    found = judged(TWO, push("dev", "a-b"), head="b")

    assert unknown(found) == ["a"]


def test_commit_that_was_never_a_tip_belongs_to_its_push() -> None:
    found = judged(TWO, push("dev", "m-b"), head="b")

    assert (pushers(found), unknown(found)) == ({"dev"}, [])


def test_every_head_that_the_pull_request_had_must_be_known() -> None:
    found = judged(ONE, push("dev", "x-a"), heads="x")

    assert unknown(found) == ["x"]


def test_who_pushed_what_was_rewritten_is_a_pusher_still() -> None:
    found = judged(ONE, push("owner", "m-x"), push("dev", "x-a", minute=1))

    assert (pushers(found), unknown(found)) == ({"owner", "dev"}, [])


def test_pushes_that_the_base_has_are_nobodys() -> None:
    found = judged(ONE, push("admin", "k-m", ref=OWN), push("dev", "m-a", minute=1))

    assert (pushers(found), unknown(found)) == ({"dev"}, [])


@pytest.mark.parametrize("by", ["owner", "github-actions[bot]"])
def test_a_clean_merge_of_the_base_makes_nobody_a_pusher(by: str) -> None:
    found = judged(
        UPDATED, push("dev", "m-a"), push(by, "a-u", minute=1), head="u", heads="ua", clean={"u": "a"}
    )

    assert (pushers(found), unknown(found)) == ({"dev"}, [])


def test_a_clean_merge_needs_no_known_pusher() -> None:
    assert unknown(judged(UPDATED, push("dev", "m-a"), head="u", heads="u", clean={"u": "a"})) == []


def test_a_merge_with_another_tree_is_its_pushers_work() -> None:
    found = judged(UPDATED, push("dev", "m-a"), push("owner", "a-u", minute=1), head="u")

    assert pushers(found) == {"dev", "owner"}


def test_who_pushes_commits_together_with_clean_merge_is_their_pusher() -> None:
    found = judged(UPDATED, push("owner", "m-u"), head="u", heads="u", clean={"u": "a"})

    assert (pushers(found), unknown(found)) == ({"owner"}, [])


def test_two_updates_that_are_pushed_at_once_are_nobodys_work() -> None:
    history = {"v": "uo", "u": "an", "a": "m"}
    pushed = (push("dev", "m-a"), push("owner", "a-v", minute=1))

    found = judged(history, *pushed, head="v", heads="v", clean={"v": "u", "u": "a"})

    assert (pushers(found), unknown(found)) == ({"dev"}, [])


def test_an_update_below_a_later_commit_is_nobodys_work() -> None:
    history = {"b": "u", "u": "an", "a": "m"}
    pushed = (push("dev", "m-a"), push("owner", "a-u", minute=1), push("dev", "u-b", minute=2))

    found = judged(history, *pushed, head="b", heads="aub", clean={"u": "a"})

    assert (pushers(found), unknown(found)) == ({"dev"}, [])


@pytest.mark.parametrize(("first", "left"), [(0, []), (3, ["a"])])
def test_a_push_back_does_not_make_the_first_pusher_known(first: int, left: list[str]) -> None:
    # The branch was moved away from `a` in minute 1 and back to it in minute 3.
    moves = (push("dev", "a-x", minute=1), push("dev", "m-x", minute=1), push("dev", "x-a", minute=3))

    found = judged(ONE, push("dev", "m-a", minute=first), *moves, heads="ax")

    assert unknown(found) == left


@pytest.mark.parametrize(("late", "left"), [(0.1, []), (5, ["a"])])
def test_deliveries_that_overtake_one_another_leave_heads_known(late: float, left: list[str]) -> None:
    # Given a push that is reported some seconds after the one that followed it, or long after,
    moves = (push("dev", "m-a", minute=late), push("dev", "a-b"))

    assert unknown(judged(TWO, *moves, head="b")) == left


def test_a_head_that_a_bot_pushed_is_unknown() -> None:
    [found] = judged(ONE, push("renovate[bot]", "m-a")).unknown

    assert found.bot == "renovate[bot]"


def test_a_bot_of_the_policy_is_known() -> None:
    found = judged(ONE, push("Renovate[bot]", "m-a"), trusted=frozenset({"renovate[bot]"}))

    assert unknown(found) == []


def test_person_with_trusted_name_is_a_pusher_like_any_other() -> None:
    found = judged(ONE, push("renovate", "m-a"), trusted=frozenset({"renovate[bot]"}))

    assert (pushers(found), unknown(found)) == ({"renovate"}, [])


@pytest.mark.parametrize("by", ["renovate[bot]", "dev"])
def test_rewrites_of_a_bot_count_only_when_known(by: str) -> None:
    # Given a commit over which a bot of the policy, or a person, has pushed another one,
    moves = [push(by, "x-a", minute=1)]
    bots = frozenset({"renovate[bot]", "other[bot]"})

    # then the bot may have kept what somebody else wrote, and a person answers for all of it,
    assert unknown(judged(ONE, *moves, trusted=bots)) == (["x"] if by == "renovate[bot]" else [])
    # and once it is known who pushed it, they are pushers.
    found = judged(ONE, push("owner", "m-x"), *moves, trusted=bots)
    assert (pushers(found), unknown(found)) == ({by, "owner"}, [])


def test_what_bot_rewrites_goes_back_to_what_a_person_pushed() -> None:
    moves = (push("renovate[bot]", "x-y", minute=2), push("renovate[bot]", "y-a", minute=3))

    found = judged(ONE, push("dev", "w-x", minute=1), *moves, trusted=frozenset({"renovate[bot]"}))

    assert (pushers(found), unknown(found)) == ({"dev", "renovate[bot]"}, [])


@pytest.mark.parametrize(("bot", "person", "left"), [(0, 1, ["a"]), (1, 0, [])])
def test_who_came_first_brought_the_commit(bot: int, person: int, left: list[str]) -> None:
    found = judged(ONE, push("ci[bot]", "0-a", ref=OTHER, minute=bot), push("dev", "m-a", minute=person))

    assert unknown(found) == left


def test_the_last_push_is_the_newest_of_the_branch() -> None:
    found = judged(
        TWO,
        push("dev", "m-a"),
        push("dev", "a-b", minute=5),
        push("dev", "0-b", ref=OTHER, minute=9),
        head="b",
    )

    assert found.last_at == NOON + timedelta(minutes=5)


def test_equal_heads_are_those_below_clean_merges() -> None:
    lineage = Lineage(
        head=sha("v"),
        parents={sha("v"): (sha("u"), sha("o")), sha("u"): (sha("a"), sha("n")), sha("a"): (sha("m"),)},
        clean_merges={sha("v"): sha("u"), sha("u"): sha("a")},
    )

    assert lineage.equal_heads == {sha("v"), sha("u"), sha("a")}
    assert lineage.commits == {sha("v"), sha("u"), sha("a")}
