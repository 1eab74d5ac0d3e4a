"""Auto-merge, and the pull request that GitHub's revert button opens."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

from bot.playground.github.actions.pulls import NewPull, merge_pull, open_pull
from bot.playground.github.actions.pushes import ZERO, Moved, announce
from bot.playground.github.errors import ApiError
from bot.playground.github.git.process import GitError, run_git
from bot.playground.github.hub import Hub
from bot.playground.github.records.model import AutoMerge, Pull, Repo
from bot.playground.github.shapes import events

Method = Literal["merge", "squash", "rebase"]


async def enable_auto_merge(hub: Hub, repo: Repo, pull: Pull, *, by: str, method: Method) -> None:
    """Merge automatically once the requirements are met."""
    if pull.state != "open" or pull.draft:
        raise ApiError(422, "Pull request is in clean status")
    pull.auto_merge, pull.updated_at = AutoMerge(enabled_by=by, method=method), hub.clock()
    hub.state.changed()
    await events.pull_request(hub, repo, pull, "auto_merge_enabled", by)


async def requirements_met(hub: Hub, repo: Repo, pull: Pull) -> str:
    """Merge what waited for its requirements, in the name of who enabled auto-merge.

    peter-evans/enable-pull-request-automerge, README: with GITHUB_TOKEN the merge is done by github-actions[bot], as it
    was that which enabled it.
    """
    asked = pull.auto_merge
    if asked is None:
        raise ApiError(422, "Pull request has no auto-merge")
    return await merge_pull(hub, repo, pull, by=asked.enabled_by, method=asked.method)


async def revert_button(hub: Hub, repo: Repo, pull: Pull, *, by: str) -> Pull:
    """Open the pull request that undoes a merged one (docs "Reverting a pull request").

    It is an ordinary one: by the person who pressed the button, from branch `revert-N-BRANCH` of the same repository.
    """
    if not pull.merged or pull.merge_commit_sha is None:
        raise ApiError(422, "Pull request is not merged")
    git, branch = hub.git(repo), f"revert-{pull.number}-{pull.head_ref}"
    async with git.lock:
        sha = await _reverted(hub, repo, pull, by=by)
        await git.update_ref(f"refs/heads/{branch}", sha)
    await announce(hub, repo, Moved(ref=f"refs/heads/{branch}", before=ZERO, after=sha), by)
    new = NewPull(
        author=by,
        title=f'Revert "{pull.title}"',
        body=f"Reverts {repo.full_name}#{pull.number}",
        head_repo=repo,
        head=branch,
        base=pull.base_ref,
    )
    return await open_pull(hub, repo, new)


async def _reverted(hub: Hub, repo: Repo, pull: Pull, *, by: str) -> str:
    """Commit on the base's tip what undoes the pull request; 422 where that conflicts."""
    git, merged = hub.git(repo), str(pull.merge_commit_sha)
    parents = (await git.commit(merged)).parents
    wanted = ["-m", "1", merged] if len(parents) > 1 else [await _span(hub, repo, pull, merged)]
    who = hub.signature(hub.state.account(by))
    extra = {
        **{f"GIT_{role}_NAME": who.name for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_EMAIL": who.email for role in ("AUTHOR", "COMMITTER")},
    }
    with tempfile.TemporaryDirectory(dir=git.home) as name:
        tree = Path(name) / "tree"
        await git.git("worktree", "add", "--quiet", "--detach", str(tree), f"refs/heads/{pull.base_ref}")
        try:
            await run_git("revert", "--no-commit", *wanted, home=git.home, cwd=tree, extra=extra)
            message = f'Revert "{pull.title}"\n\nThis reverts commit {merged}.'
            await run_git("commit", "--quiet", "-m", message, home=git.home, cwd=tree, extra=extra)
            _, sha = await run_git("rev-parse", "HEAD", home=git.home, cwd=tree)
            return sha.decode().strip()
        except GitError as error:
            raise ApiError(422, "Sorry, this pull request couldn't be reverted automatically.") from error
        finally:
            await git.git("worktree", "remove", "--force", str(tree))


async def _span(hub: Hub, repo: Repo, pull: Pull, merged: str) -> str:
    """Return the commits of a squash (one) or of a rebase (all) on the base."""
    git = hub.git(repo)
    title = (await git.commit(merged)).title
    own = await git.count(f"{pull.base_sha}..{pull.head_sha}")
    many = 1 if title.endswith(f"(#{pull.number})") else own
    return f"{merged}~{many}..{merged}"
