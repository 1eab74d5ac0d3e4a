"""Merges in a storm: by people, Apps, auto-merge and the queue, and the button that undoes them."""

from __future__ import annotations

from typing import Final

from bot.playground.github.actions.merging import Method
from bot.playground.github.actions.queue import QUEUE_BOT
from tests.soak.ground import MERGING_BOT, PullOf, is_open, now
from tests.soak.scene import Scene

_METHODS: Final[tuple[Method, ...]] = ("merge", "squash", "rebase")


async def merge(scene: Scene) -> bool:
    """Merge, in one of GitHub's three ways."""
    return await _merge(scene, scene.someone())


async def merge_as_a_bot(scene: Scene) -> bool:
    """Let another App merge."""
    return await _merge(scene, MERGING_BOT)


async def _merge(scene: Scene, author: str) -> bool:
    if (pull := scene.open_pull()) is None:
        return False
    method = scene.chance.choice(_METHODS)
    await scene.github.merge(pull.repo.full_name, pull.number, author=author, method=method)
    return True


async def enable_auto_merge(scene: Scene) -> bool:
    """Ask GitHub to merge later."""
    if (pull := scene.open_pull()) is None:
        return False
    method = scene.chance.choice(_METHODS)
    await scene.github.auto_merge(pull.repo.full_name, pull.number, author=scene.someone(), method=method)
    return True


async def auto_merge(scene: Scene) -> bool:
    """Let GitHub merge what it was asked to."""
    waiting = [
        pull
        for pull in scene.pulls
        if is_open(scene.github, pull) and now(scene.github, pull).auto_merge is not None
    ]
    if not waiting:
        return False
    pull = scene.chance.choice(waiting)
    await scene.github.requirements_met(pull.repo.full_name, pull.number)
    return True


async def queue(scene: Scene) -> bool:
    """Put one into the merge queue."""
    if (pull := scene.open_pull()) is None:
        return False
    await scene.github.queue(pull.repo.full_name, pull.number, author=scene.someone())
    return True


async def merge_queue(scene: Scene) -> bool:
    """Let a queue merge what is in it; what was closed, or moved with its base, falls out."""
    github = scene.github
    waiting = [repo.full_name for repo in scene.repos if github.repo(repo.full_name).queue]
    if not waiting:
        return False
    name = scene.chance.choice(waiting)
    entries = list(github.repo(name).queue)
    open_ones = {number for number, pull in github.repo(name).pulls.items() if pull.state == "open"}
    tip = await github.head(name, entries[0].base_ref)
    if tip != entries[0].base_sha:
        await github.dequeue(name, entries[0].number, author=QUEUE_BOT, reason="MERGE_CONFLICT")
        return True
    for entry in entries:
        if entry.number not in open_ones:
            await github.dequeue(name, entry.number, author=QUEUE_BOT, reason="PULL_REQUEST_CLOSED")
    await github.merge_queue(name)
    return True


async def revert(scene: Scene) -> bool:
    """Press the revert button of a merged pull request."""
    merged = [pull for pull in scene.pulls if now(scene.github, pull).merged]
    if not merged or len(scene.pulls) >= scene.most_pulls:
        return False
    undone = scene.chance.choice(merged)
    made = await scene.github.revert_button(undone.repo.full_name, undone.number, author=scene.someone())
    scene.pulls.append(
        PullOf(
            repo=undone.repo,
            number=made.number,
            branch=made.head_ref,
            touches_code=undone.touches_code,
            heads=[made.head_sha],
        )
    )
    return True
