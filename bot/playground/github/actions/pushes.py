"""What follows a push: pull requests move on, and the App is told."""

from bot.playground.github import events
from bot.playground.github.events import Moved
from bot.playground.github.git_diff import ZERO
from bot.playground.github.git_merge import MergeRequest, merge
from bot.playground.github.hub import Hub
from bot.playground.github.model import Pull, Repo
from bot.playground.github.model_checks import CheckSuite

__all__ = ["ZERO", "Moved", "announce", "ensure_suite", "refresh_pull_refs"]


async def announce(hub: Hub, repo: Repo, moved: Moved, sender: str) -> None:
    """Tell the world that a ref moved."""
    ref, after = moved.ref, moved.after
    if moved.before == after or ref.startswith("refs/pull/"):
        return
    repo.pushed_at = hub.clock()
    hub.state.changed()
    await events.push(hub, repo, moved, sender)
    branch = ref.removeprefix("refs/heads/")
    if branch == ref:
        return
    for base in list(hub.state.data.repos.values()):
        for pull in list(base.pulls.values()):
            if pull.state != "open":
                continue
            if (pull.head_repo, pull.head_ref) == (repo.full_name, branch):
                await _move_head(hub, base, pull, after, sender)
            elif base is repo and pull.base_ref == branch and after != ZERO:
                await _notice_base(hub, base, pull, after, sender)
    if after != ZERO:
        suite = ensure_suite(hub, repo, after, branch)
        await events.check_suite(hub, repo, suite.id, "requested", sender)


async def _move_head(hub: Hub, base: Repo, pull: Pull, sha: str, sender: str) -> None:
    """The head branch was pushed to, or deleted: synchronise, or close."""
    now = hub.clock()
    pull.updated_at = now
    if sha == ZERO:
        pull.state, pull.closed_at, pull.closed_by = "closed", now, sender
        await events.pull_request(hub, base, pull, "closed", sender)
        return
    before, pull.head_sha = pull.head_sha, sha
    await refresh_pull_refs(hub, base, pull)
    hub.state.changed()
    await events.pull_request(hub, base, pull, "synchronize", sender, before=before, after=sha)


async def _notice_base(hub: Hub, repo: Repo, pull: Pull, sha: str, sender: str) -> None:
    """The base moved: the pull is merged when the base now holds its commits."""
    git = hub.git(repo)
    if not await git.is_ancestor(pull.head_sha, sha) or pull.head_sha == pull.base_sha:
        return
    now = hub.clock()
    pull.state, pull.merged, pull.merged_by = "closed", True, sender
    pull.closed_at = pull.merged_at = pull.updated_at = now
    pull.merge_commit_sha = sha
    hub.state.changed()
    await events.pull_request(hub, repo, pull, "closed", sender)


async def refresh_pull_refs(hub: Hub, repo: Repo, pull: Pull) -> None:
    """Point `refs/pull/N/head` at the head and note the base's tip."""
    git = hub.git(repo)
    ref = f"refs/pull/{pull.number}/head"
    if pull.head_repo == repo.full_name:
        await git.update_ref(ref, pull.head_sha)
    else:
        await git.fetch_from(hub.git(hub.state.repo(pull.head_repo)), pull.head_sha, ref)
    pull.base_sha = await git.resolve(pull.base_ref) or pull.base_sha
    await _refresh_merge_ref(hub, repo, pull)


async def _refresh_merge_ref(hub: Hub, repo: Repo, pull: Pull) -> None:
    """GitHub's test merge: `refs/pull/N/merge`, absent on a conflict."""
    git = hub.git(repo)
    by = hub.signature(hub.state.account(pull.author))
    message = f"Merge {pull.head_sha} into {pull.base_sha}"
    request = MergeRequest(base=pull.base_sha, head=pull.head_sha, method="merge", by=by, message=message)
    pull.merge_commit_sha = await merge(git, request)
    ref = f"refs/pull/{pull.number}/merge"
    if pull.merge_commit_sha is not None:
        await git.update_ref(ref, pull.merge_commit_sha)
    elif ref in await git.refs():
        await git.delete_ref(ref)


def ensure_suite(hub: Hub, repo: Repo, sha: str, branch: str | None = None) -> CheckSuite:
    """The App's check suite of a commit."""
    for suite in hub.state.data.check_suites.values():
        if suite.repo == repo.full_name and suite.head_sha == sha:
            return suite
    suite = CheckSuite(
        id=hub.state.large_id(),
        repo=repo.full_name,
        head_sha=sha,
        head_branch=branch,
        created_at=hub.clock(),
    )
    hub.state.data.check_suites[suite.id] = suite
    hub.state.changed()
    return suite
