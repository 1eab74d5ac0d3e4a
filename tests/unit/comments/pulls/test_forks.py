from __future__ import annotations

from bot.comments.pulls.forks import fork_comment
from tests.fakes.records import builders


def test_comment_on_a_fork_offers_to_allow_exactly_its_commit() -> None:
    body = fork_comment(builders.pull(is_fork=True))

    assert '"reason": "fork"' in body.split("\n", 1)[0]
    assert f"`/allow {builders.HEAD}`" in body
