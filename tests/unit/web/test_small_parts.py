from __future__ import annotations

import pytest

from bot.web.login import local_path
from bot.web.pages.finding import plain
from bot.web.sessions import Sessions
from tests.fakes.clock import HandClock


def test_a_short_session_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 characters"):
        Sessions("k" * 31, clock=HandClock(), secure=False)


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil",
        "javascript:x",
        "evil",
        "",
        "/a\nb",
        "///x",
    ],
)
def test_a_login_never_leads_away_from_here(path: str) -> None:
    assert local_path(path) == "/"


@pytest.mark.parametrize("path", ["/", "/runs/r1", "/runs/r1?x=1#end"])
def test_a_login_leads_back_to_a_local_page(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        pytest.param("red", "\x1b[1;31mred\x1b[0m", id="colours"),
        pytest.param("a\nb", "a\r\nb", id="line ends"),
        pytest.param("ab", "a\rb", id="a line written over"),
        pytest.param("ab", "a\u202eb", id="text turned round"),
        pytest.param("a\tb", "a\x07\tb", id="bell and tab"),
    ],
)
def test_logs_are_shown_without_anything_that_misleads(shown: str, text: str) -> None:
    assert plain(text) == shown
