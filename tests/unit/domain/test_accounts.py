from __future__ import annotations

import pytest

from bot.domain.core.accounts import GHOST, SELF, Account, has_one, recorded
from tests.fakes.accounts import account, unnumbered

DANA = account("dana", 5)


@pytest.mark.parametrize(
    ("other", "same", "certain", "another"),
    [
        (account("dana", 5), True, True, False),
        (account("dana-renamed", 5), True, True, False),
        (account("dana", 6), False, False, True),
        (account("erin", 6), False, False, True),
        (unnumbered("Dana"), True, False, False),
        (unnumbered("erin"), False, False, False),
    ],
    ids=[
        "the same",
        "the same, renamed",
        "another that took the login",
        "another",
        "an old row of the login, in another spelling",
        "an old row of another login",
    ],
)
def test_the_id_says_who_it_is(other: Account, *, same: bool, certain: bool, another: bool) -> None:
    for one, two in ((DANA, other), (other, DANA)):
        assert one.is_same(two) is same
        assert one.is_certainly(two) is certain
        assert one.is_certainly_another(two) is another


def test_two_old_rows_of_one_login_bar_and_grant_nothing() -> None:
    one, two = unnumbered("dana"), unnumbered("DANA")

    assert (one.is_same(two), one.is_certainly(two), one.is_certainly_another(two)) == (True, False, False)


def test_an_account_is_shown_by_its_login() -> None:
    assert f"by {DANA}" == "by dana"


def test_a_recorded_bot_is_known_by_its_login() -> None:
    assert recorded("helper[bot]", 9).is_bot
    assert not recorded("helper", 9).is_bot


def test_the_server_itself_is_nobody_who_is_granted_anything() -> None:
    assert not SELF.is_certainly(SELF)
    assert not SELF.is_certainly(account("gatewright", 7))


def test_one_of_several_bars() -> None:
    barred = [GHOST, unnumbered("erin"), DANA]

    assert has_one(barred, account("somebody-else-now", 5))
    assert has_one(barred, account("Erin", 8))
    assert not has_one(barred, account("dana", 8))
