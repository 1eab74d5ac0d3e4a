"""What is remembered of git's objects."""

from __future__ import annotations

from pathlib import Path

from bot.adapters.workspace.known_objects import LARGEST, KnownObjects, Recent

PLACE = (Path("/mirrors/acme"), 1, 1)


def test_what_was_read_last_is_kept_within_the_size() -> None:
    recent = Recent[str](10)
    recent.add(PLACE, "a", "first", 4)
    recent.add(PLACE, "b", "second", 4)
    recent.get(PLACE, "a")

    recent.add(PLACE, "c", "third", 4)
    recent.add(PLACE, "d", "too large", 11)

    assert [recent.get(PLACE, name) for name in "abcd"] == ["first", None, "third", None]


def test_large_files_are_not_remembered() -> None:
    known = KnownObjects[str]()

    known.add_blobs(PLACE, {"small": b"text", "large": bytes(LARGEST + 1)})

    assert known.blobs(PLACE, ["small", "large", "unread"]) == {"small": b"text"}
