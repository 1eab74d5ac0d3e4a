"""The sentences about a stack that another pull request holds."""

from __future__ import annotations

from bot.domain.plans.plan import Lock


def locked_sentence(lock: Lock, *, repo: str) -> str:
    """Describe the lock of a stack for a reader in `repo` (`owner/name`)."""
    return (
        f"{lock.stack.label} is held by {holder(lock, repo=repo)} ({lock.holder}, since"
        f" {lock.since:%Y-%m-%d %H:%M} UTC): {lock.reason}."
    )


def how_to_unlock(lock: Lock, *, repo: str) -> str:
    """Describe how to release it, and where."""
    return f"`/unlock {lock.stack.env}` on {holder(lock, repo=repo)}, or its merge"


def holder(lock: Lock, *, repo: str) -> str:
    """Name the pull request that holds it; repositories may share a state."""
    elsewhere = "" if lock.stack.repo == repo else f" of {lock.stack.repo}"
    return f"pull request {lock.pull}{elsewhere}"
