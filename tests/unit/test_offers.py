"""Which environments a bare `/apply` offers."""

from __future__ import annotations

from pathlib import Path

from bot.policy import load_policy
from handlers import SPECS
from handlers.stack_choice import applicable, offered

POLICY = Path(__file__).parents[2] / "gatewright.yaml"


def test_only_environments_that_a_comment_can_apply_are_offered() -> None:
    text = POLICY.read_text(encoding="utf-8")
    closed = text.replace("allow: write\n      from: staging\n", "allow: none\n      from: staging\n")
    assert closed != text

    choices = applicable(load_policy(closed, path="gatewright.yaml"))

    assert choices == ("staging",)


def test_what_can_be_destroyed_is_offered_to_destroy() -> None:
    policy = load_policy(POLICY.read_text(encoding="utf-8"), path="gatewright.yaml")

    assert offered(SPECS, policy) == {"destroy": ("test",)}
