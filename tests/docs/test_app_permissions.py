"""Check that the App which `docs/install.md` describes receives what the program handles."""

from __future__ import annotations

import re

from bot.playground.github.grants import delivers
from handlers.inbox import EVENTS
from tests.docs.pages import read


def rows(title: str) -> list[list[str]]:
    """Return the cells of the table whose first column has that title."""
    table = read("docs/install.md").partition(f"| {title} |")[2].partition("\n\n")[0]
    lines = [line for line in table.splitlines() if line.startswith("| ") and "---" not in line]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def key(title: str) -> str:
    """Return GitHub's name of a permission or event of its settings pages."""
    words = re.sub(r" \(.*", "", title).lower().replace(" ", "_")
    return {"commit_statuses": "statuses"}.get(words, words)


def test_the_documented_app_is_sent_every_event_that_is_handled() -> None:
    permissions = {key(cells[0]): cells[1] for cells in rows("Permission")}
    events = [key(cells[0]) for cells in rows("Event")]

    handled = {(event, action) for event, actions, _ in EVENTS for action in actions}

    assert [each for each in sorted(handled, key=str) if not delivers(permissions, events, *each)] == []
