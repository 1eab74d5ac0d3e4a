"""Comments on pull requests that are closed without a merge."""

from __future__ import annotations

from collections.abc import Sequence

from bot.comments.markdown.budget import Drop, Part, fit
from bot.comments.markdown.escape import code, text
from bot.comments.markdown.header import header
from bot.comments.markdown.words import Step, minute, steps
from bot.domain.plans.plan import Lock


def closed_comment(*, locks: Sequence[Lock], into: str | None = None, reference: str) -> str:
    """Return the comment for a pull request that was closed with locked stacks.

    `into` is the branch that it was merged into, if the policy does not include that branch.
    """
    first = header("closeout", status="closed", ref=reference)
    ended = (
        "Closed without a merge"
        if into is None
        else f"Merged into {code(into, limit=100)}, which is not served"
    )
    rows = [
        Part(
            text=f"- {text(lock.stack.label, limit=100)}, since {minute(lock.since)}, taken by {code(lock.holder, limit=60)}\n",
            drop=Drop.ROW,
        )
        for lock in locks
    ]
    envs = list(dict.fromkeys(lock.stack.env for lock in locks))
    return fit(
        [
            Part(
                text=f"{first}\n### ⚠️ {ended}, and still holding\n\n"
                "What this pull request applied stays applied, so these stacks stay locked for others:\n\n"
            ),
            *rows,
            Part(text="\n"),
            Part(text="", is_note=True),
            Part(
                text=steps(
                    Step(sentence=f"To leave {env} as it is and let others apply", command=f"/unlock {env}")
                    for env in envs
                )
            ),
        ]
    )
