"""Title and body of the pull request that completes a revert."""

from __future__ import annotations

from collections.abc import Sequence

from bot.comments.markdown.escape import code
from bot.domain.releases.revert import Revert


def pull_title(revert: Revert, numbers: Sequence[int]) -> str:
    """Return the title."""
    what = ", ".join(f"#{number}" for number in numbers[:5])
    return f"Revert {what}: {revert.stack.label} is back at release {revert.target}"[:250]


def pull_body(revert: Revert, numbers: Sequence[int]) -> str:
    """Return the body, which says how merging it affects the freeze."""
    listed = "\n".join(f"- #{number}" for number in numbers[:50])
    env = revert.stack.env
    return (
        f"{code(revert.asked_by, limit=60)} reverted {code(revert.stack.label, limit=100)} to release"
        f" {code(revert.target)} on #{revert.pull}. This takes the same out of the base:\n\n{listed}\n\n"
        f"Until this is applied to {code(env, limit=60)}, or merged, {code(env, limit=60)} stays on hold, so that"
        " nothing rolls it forward again.\n"
    )
