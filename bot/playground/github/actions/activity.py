"""The push activity of repositories: who moved which branch from where to where."""

from __future__ import annotations

from bot.playground.github.git.diff import ZERO
from bot.playground.github.hub import Hub
from bot.playground.github.records.model import Activity, Repo
from bot.playground.github.shapes.events import Moved

_BRANCHES = "refs/heads/"


async def note_activity(hub: Hub, repo: Repo, moved: Moved, sender: str, kind: str | None = None) -> None:
    """Record that a branch moved; `kind` is worked out where it is not given.

    GitHub lists branches only (REST docs, "List repository activities": `ref` is `refs/heads/<branch name>`).
    """
    if not moved.ref.startswith(_BRANCHES):
        return
    hub.state.data.activities.append(
        Activity(
            id=hub.state.large_id(),
            repo=repo.full_name,
            ref=moved.ref,
            before=moved.before,
            after=moved.after,
            kind=kind or await _kind(hub, repo, moved),
            actor=hub.state.account(sender).id,
            at=hub.clock(),
        )
    )


async def _kind(hub: Hub, repo: Repo, moved: Moved) -> str:
    if moved.before == ZERO:
        return "branch_creation"
    if moved.after == ZERO:
        return "branch_deletion"
    return "push" if await hub.git(repo).is_ancestor(moved.before, moved.after) else "force_push"


def forget_activity(hub: Hub, repo: Repo) -> None:
    """Drop a repository's list, as GitHub does after an unpublished time."""
    kept = [each for each in hub.state.data.activities if each.repo != repo.full_name]
    hub.state.data.activities[:] = kept
    hub.state.changed()
