"""What follows a push: pull requests move on, and the App gets its events."""

from bot.playground.github.actions.activity import note_activity
from bot.playground.github.actions.moved_approvals import move_reviews
from bot.playground.github.faults.lag import KEPT_REFS
from bot.playground.github.git.diff import ZERO
from bot.playground.github.git.merge import MergeRequest, merge
from bot.playground.github.hub import Hub
from bot.playground.github.records.checks import CheckSuite
from bot.playground.github.records.model import Pull, Repo
from bot.playground.github.shapes import events
from bot.playground.github.shapes.events import Moved

__all__ = ["ZERO", "Moved", "announce", "ensure_suite", "refresh_pull_refs"]


async def announce(hub: Hub, repo: Repo, moved: Moved, sender: str, kind: str | None = None) -> None:
    """Send the events of a moved ref; `kind` is its type in the activity if it is no push."""
    ref, after = moved.ref, moved.after
    if moved.before == after or ref.startswith(("refs/pull/", f"{KEPT_REFS}/")):
        return
    repo.pushed_at = hub.clock()
    hub.state.changed()
    await note_activity(hub, repo, moved, sender, kind)
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
    # "By default, GitHub creates a check suite automatically when code is pushed" and "sends the check_suite event
    # (with requested action) to all GitHub Apps that have the checks:write permission" ("Using the REST API to interact
    # with checks").
    if after != ZERO and hub.config.app_permissions.get("checks") == "write":
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
    await move_reviews(hub, base, pull, before, sha)
    hub.state.changed()
    await events.pull_request(hub, base, pull, "synchronize", sender, before=before, after=sha)


async def _notice_base(hub: Hub, repo: Repo, pull: Pull, sha: str, sender: str) -> None:
    """The base moved: the pull is merged when the base now holds its commits."""
    git = hub.git(repo)
    if not await git.is_ancestor(pull.head_sha, sha) or pull.head_sha == pull.base_sha:
        return
    now = hub.clock()
    # go-gitea/gitea#1987: at GitHub the merger is who pushed, not who wrote the commit.
    pull.state, pull.merged, pull.merged_by = "closed", True, sender
    pull.closed_at = pull.merged_at = pull.updated_at = now
    pull.merge_commit_sha = await _brought_in(hub, repo, pull, sha)
    hub.state.changed()
    await events.pull_request(hub, repo, pull, "closed", sender)


async def _brought_in(hub: Hub, repo: Repo, pull: Pull, tip: str) -> str:
    """Return the base's first commit that holds the head (Mergifyio/mergify#4535)."""
    git = hub.git(repo)
    chain = (await git.git("rev-list", "--first-parent", f"{pull.base_sha}..{tip}")).split()
    for sha in reversed(chain):
        if await git.is_ancestor(pull.head_sha, sha):
            return sha
    return tip


async def refresh_pull_refs(hub: Hub, repo: Repo, pull: Pull) -> None:
    """Point `refs/pull/N/head` at the head after a while, and note the base's tip."""
    git = hub.git(repo)
    if pull.head_repo != repo.full_name and pull.head_repo.lower() in hub.state.data.repos:
        kept = f"{KEPT_REFS}/{pull.head_sha}"
        await git.fetch_from(hub.git(hub.state.repo(pull.head_repo)), pull.head_sha, kept)
    await hub.lag.write_ref(git, f"refs/pull/{pull.number}/head", pull.head_sha)
    pull.base_sha = await git.resolve(pull.base_ref) or pull.base_sha
    await _refresh_merge_ref(hub, repo, pull)


async def _refresh_merge_ref(hub: Hub, repo: Repo, pull: Pull) -> None:
    """GitHub's test merge: `refs/pull/N/merge`, absent on a conflict."""
    git = hub.git(repo)
    by = hub.signature_of(pull.author)
    message = f"Merge {pull.head_sha} into {pull.base_sha}"
    request = MergeRequest(base=pull.base_sha, head=pull.head_sha, method="merge", by=by, message=message)
    pull.merge_commit_sha = await merge(git, request)
    await hub.lag.write_ref(git, f"refs/pull/{pull.number}/merge", pull.merge_commit_sha)


def ensure_suite(hub: Hub, repo: Repo, sha: str, branch: str | None = None, *, app: str = "") -> CheckSuite:
    """The check suite of a commit, the App's or that of another one."""
    for suite in hub.state.data.check_suites.values():
        if (suite.repo, suite.head_sha, suite.app) == (repo.full_name, sha, app):
            return suite
    suite = CheckSuite(
        id=hub.state.large_id(),
        repo=repo.full_name,
        head_sha=sha,
        head_branch=branch,
        created_at=hub.clock(),
        app=app,
    )
    hub.state.data.check_suites[suite.id] = suite
    hub.state.changed()
    return suite
