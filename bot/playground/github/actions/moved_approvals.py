"""Approvals whose `commit_id` moves to a head that their authors never saw.

After a force-push GitHub has re-pointed APPROVED reviews to the new head, with the old `submitted_at` and without any
delivery: seen for rebases with the same patch (kamp-us/phoenix#3769), with other content (kamp-us/phoenix#5215) and for a
bot's rebase (max-sixty/tend#884); for merges of the base too, and not for ordinary pushes (sonichi/sutando#3567). When it
does so is not published, therefore a part of them moves, the same in each run.
"""

from __future__ import annotations

import hashlib

from bot.playground.github.hub import Hub
from bot.playground.github.records.model import Pull, Repo


async def move_reviews(hub: Hub, repo: Repo, pull: Pull, before: str, after: str) -> None:
    """Re-point approvals to the new head where GitHub may do so."""
    approvals = [
        review
        for review in hub.state.data.reviews.values()
        if (review.repo, review.number, review.state) == (repo.full_name, pull.number, "APPROVED")
    ]
    if not approvals or not await _may_move(hub, repo, pull, before, after):
        return
    for review in approvals:
        if _chance(f"{hub.config.trust_seed}:{review.id}:{after}") < hub.config.moving_reviews:
            review.commit_id = after
    hub.state.changed()


async def _may_move(hub: Hub, repo: Repo, pull: Pull, before: str, after: str) -> bool:
    git = hub.git(repo)
    if not await git.is_ancestor(before, after):
        return True
    parents = (await git.commit(after)).parents
    base = await git.resolve(f"heads/{pull.base_ref}")
    return (
        base is not None
        and before in parents
        and any([await git.is_ancestor(each, base) for each in parents if each != before])
    )


def _chance(of: str) -> float:
    """A number from 0 up to 1 that looks random and never changes."""
    return int.from_bytes(hashlib.sha256(of.encode()).digest()[:4]) / 2**32
