from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.domain.core.repositories import (
    OTHER_ID,
    UNLISTED,
    Listed,
    TurnedAway,
    judge,
    read_entries,
    still_turned_away,
    turned_away_sentence,
)

ASKED = TurnedAway(
    full_name="acme/infra",
    id=7,
    why=OTHER_ID,
    deliveries=3,
    sender="eve",
    last_at=datetime(2026, 3, 1, tzinfo=UTC),
)


def listed(*texts: str) -> Listed:
    return Listed(read_entries(texts))


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        pytest.param(["acme/*"], "is a pattern: list every repository by its exact owner/name", id="a glob"),
        pytest.param(["*"], "is a pattern", id="everything"),
        pytest.param(["acme"], "is not owner/name or owner/name#ID", id="an owner alone"),
        pytest.param(["acme/infra#x"], "is not owner/name or owner/name#ID", id="an id that is none"),
        pytest.param(["acme/infra#0"], "is not owner/name or owner/name#ID", id="no id"),
        pytest.param(["acme/infra/x"], "is not owner/name or owner/name#ID", id="a path"),
        pytest.param(["acme/infra", "Acme/Infra#7"], "acme/infra is listed twice", id="twice"),
        pytest.param([], "must name at least one repository, for example acme/infra", id="nobody"),
    ],
)
def test_a_wrong_entry_is_refused_with_what_is_allowed(texts: list[str], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        read_entries(texts)


def test_names_are_compared_without_regard_to_case_and_exactly() -> None:
    served = listed("acme/Infra", "beta/net#5")

    assert served.serves("ACME/infra")
    assert not served.serves("acme/infra2")
    assert not served.serves("acme/infr")
    assert served.has_owner("Beta")
    assert not served.has_owner("bet")
    assert served.names == ("acme/Infra", "beta/net")


@pytest.mark.parametrize(
    ("entry", "bound", "why"),
    [
        pytest.param(None, None, UNLISTED, id="not listed"),
        pytest.param(None, 7, UNLISTED, id="listed no more"),
        pytest.param("acme/infra", None, None, id="first delivery"),
        pytest.param("acme/infra", 7, None, id="the same again"),
        pytest.param("acme/infra", 6, OTHER_ID, id="another repository under the name"),
        pytest.param("acme/infra#7", 6, None, id="the entry names the new one"),
        pytest.param("acme/infra#6", None, OTHER_ID, id="the entry names another one"),
        pytest.param("acme/infra#6", 7, OTHER_ID, id="the entry counts more than what was bound"),
    ],
)
def test_the_listed_repository_is_the_one_that_is_meant(
    entry: str | None, bound: int | None, why: str | None
) -> None:
    found = None if entry is None else listed(entry).find("acme/infra")

    assert judge(found, bound, 7) == why


def test_only_several_repositories_are_warned_of_shared_credentials() -> None:
    said = listed(*(f"acme/r{number}" for number in range(8))).shared_credentials()

    assert listed("acme/infra").shared_credentials() is None
    assert said is not None
    assert said.startswith(
        "8 repositories are served (acme/r0, acme/r1, acme/r2, acme/r3, acme/r4 and 3 more)"
    )
    assert "share the credentials of every environment" in said


def test_what_list_lets_in_by_now_is_told_no_more() -> None:
    unlisted = replace(ASKED, why=UNLISTED)

    assert still_turned_away(listed("acme/infra"), ASKED)
    assert not still_turned_away(listed("acme/infra#7"), ASKED)
    assert not still_turned_away(listed("other/x"), ASKED)
    assert still_turned_away(listed("other/x"), unlisted)
    assert not still_turned_away(listed("acme/infra"), unlisted)


def test_the_sentence_says_who_asked_and_what_to_write() -> None:
    assert "list it as acme/infra#7 in GATEWRIGHT_REPOSITORIES" in turned_away_sentence(ASKED)
    assert "3 deliveries, the newest by eve" in turned_away_sentence(ASKED)
    assert "add acme/infra to GATEWRIGHT_REPOSITORIES" in turned_away_sentence(replace(ASKED, why=UNLISTED))
