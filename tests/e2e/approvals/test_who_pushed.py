"""Whose work a pull request is: those who pushed its commits, by whatever way, cannot approve them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio

from bot.playground.github.actions.accounts import add_account
from bot.playground.github.actions.pushes import ZERO, Moved, announce
from bot.playground.github.git.merge import commit_tree
from bot.playground.github.records.model import Account
from tests.e2e.approvals.reviewing import approve, refused, shown
from tests.e2e.world import ADMIN, DEV, OWNER, STAGING, World

BOT = "ci[bot]"
PUSHED = "@owner pushed to this pull request and cannot approve it."


@pytest_asyncio.fixture(loop_scope="session")
async def moving(gated: World) -> AsyncIterator[World]:
    """Give a GitHub that moves every approval that it may move."""
    config = gated.github.config
    before, config.moving_reviews = config.moving_reviews, 1.0
    yield gated
    config.moving_reviews = before


def add_bot(world: World, login: str) -> None:
    hub = world.github._hub
    add_account(hub, Account(id=hub.state.small_id(), login=login, type="Bot"))


async def push_branch(
    world: World, files: Mapping[str, str], *, pusher: str, rewrite: bool = False, author: str = DEV
) -> str:
    """Push a commit to `change` that names `author`; a new branch, or one that is rewritten, begins at the base."""
    hub, repo = world.github._hub, world.github.repo(world.repo)
    git = hub.git(repo)
    before = await git.resolve("heads/change")
    if rewrite:
        await git.delete_ref("refs/heads/change")
    start = await git.resolve("main") if before is None or rewrite else None
    by = hub.signature(hub.state.account(author))
    after = await git.write("change", files, by=by, message="Not what it seems", start=start)
    await announce(hub, repo, Moved(ref="refs/heads/change", before=before or ZERO, after=after), pusher)
    return after


async def opened_by(world: World, author: str) -> int:
    """Open a pull request of what is on the branch, and wait for its plan."""
    number = await world.open({}, author=author)
    await world.hear(number, kind="plan", env="staging", status="planned")
    await world.idle()
    return number


async def planned(world: World, number: int) -> None:
    """Wait for the plan of the newest commit."""
    await world.hear(number, kind="plan", env="staging", status="planned", head=world.head(number))
    await world.idle()


async def commit_on_main(world: World, files: Mapping[str, str]) -> None:
    await world.push(files, branch="main", by=ADMIN)
    await world.idle()


async def test_who_pushed_before_a_bot_opened_cannot_approve(gated: World) -> None:
    # Given a branch that the owner pushed with another's name in the commit, opened by a workflow's bot,
    add_bot(gated, BOT)
    await push_branch(gated, {STAGING: await gated.staging("By a bot")}, pusher=OWNER)
    number = await opened_by(gated, BOT)
    # when the owner approves, then it does not count.
    await approve(gated, number)
    await refused(gated, number, PUSHED)
    # The same holds for who pushed only the first of several commits.
    await push_branch(gated, {STAGING: await gated.staging("Later")}, pusher=DEV)
    await planned(gated, number)
    await approve(gated, number)
    await refused(gated, number, PUSHED)


async def test_pushes_that_nobody_reported_are_read_from_the_activity(gated: World) -> None:
    # Given a push of the owner whose delivery is lost,
    hooks = gated.github.hooks
    url, hooks.url = hooks.url, None
    await push_branch(gated, {STAGING: await gated.staging("Lost")}, pusher=OWNER)
    hooks.url = url
    number = await opened_by(gated, DEV)
    # when the owner approves, then the gate has read from the repository's activity whose push it was,
    await approve(gated, number)
    await refused(gated, number, PUSHED)
    # once.
    asked = [each for each in gated.github.requests if f"{gated.repo}/activity" in each.path]
    assert len(asked) == 1


async def test_a_push_that_is_unknown_everywhere_shuts_the_gate(gated: World) -> None:
    # Given a push whose delivery is lost, and which GitHub has forgotten,
    hooks = gated.github.hooks
    url, hooks.url = hooks.url, None
    head = await push_branch(gated, {STAGING: await gated.staging("Forgotten")}, pusher=OWNER)
    gated.github.forget_activity(gated.repo)
    hooks.url = url
    number = await opened_by(gated, DEV)
    # when somebody approves, then the gate is shut, and says what for and how two owners open it.
    await approve(gated, number)
    says = f"Neither GitHub's deliveries nor the repository's activity say who pushed {head[:7]}"
    await refused(gated, number, says, "/override staging codeowners REASON")


async def test_a_bot_is_known_where_the_policy_lists_it(gated: World) -> None:
    # Given a pull request that a bot pushed and opened,
    add_bot(gated, "renovate[bot]")
    files = {STAGING: await gated.staging("Renovated")}
    await push_branch(gated, files, pusher="renovate[bot]", author="renovate[bot]")
    number = await opened_by(gated, "renovate[bot]")
    # when the owner approves, then it is not known at whose request the bot did it.
    await approve(gated, number)
    await refused(
        gated,
        number,
        "was pushed by renovate\\[bot\\], which does not say whose work it is.",
        '`trusted_pushers: ["renovate[bot]"]` in the policy or `/override staging codeowners REASON`',
    )
    # When the policy lists the bot and the same is planned under it, then the same approval counts.
    await gated.change_policy(lambda text: f"{text}\ntrusted_pushers: ['renovate[bot]']\n")
    await gated.idle()
    await gated.comment(number, "/plan staging")
    assert "Approved by @owner." in await shown(gated, number)
    await gated.applied(number)


@pytest.mark.parametrize("delivered", [True, False], ids=["delivered", "lost"])
async def test_an_approval_does_not_move_with_a_force_push(
    moving: World,
    delivered: bool,  # noqa: FBT001
) -> None:
    # Given an approved plan, the delivery of whose approval came or was lost,
    number, _ = await moving.open_planned("Reviewed")
    hooks = moving.github.hooks
    url, hooks.url = hooks.url, hooks.url if delivered else None
    given = await approve(moving, number)
    hooks.url = url
    # when other commits are forced onto the branch, and GitHub lets the approval name them,
    head = await push_branch(moving, {STAGING: await moving.staging("Evil")}, pusher=DEV, rewrite=True)
    assert given.commit_id == head
    await planned(moving, number)
    # then it does not count for them.
    why = "approved an older commit." if delivered else "approved before the last push"
    await refused(moving, number, f"@owner {why}")


async def test_approval_whose_delivery_was_lost_counts_until_the_next_push(gated: World) -> None:
    number, _ = await gated.open_planned("Quiet approval")
    hooks = gated.github.hooks
    url, hooks.url = hooks.url, None
    await approve(gated, number)
    hooks.url = url

    await gated.applied(number)


async def move_branch(world: World, number: int, after: str) -> None:
    """Force the branch of a pull request to a commit that was there before, and wait for the plan."""
    hub, repo, before = world.github._hub, world.github.repo(world.repo), world.head(number)
    await hub.git(repo).update_ref("refs/heads/change", after)
    await announce(hub, repo, Moved(ref="refs/heads/change", before=before, after=after), DEV)
    await planned(world, number)


async def test_approval_with_a_lost_delivery_does_not_follow_earlier_moves(moving: World) -> None:
    # Given two heads whose plans do the same, between which the branch is forced back and forth,
    number, _ = await moving.open_planned("Back and forth")
    reviewed = moving.head(number)
    files = {STAGING: await moving.staging("Back and forth"), "terraform/notes.txt": "Evil\n"}
    other = await push_branch(moving, files, pusher=DEV, rewrite=True)
    await planned(moving, number)
    await move_branch(moving, number, reviewed)
    # when the approval of one is lost on its way, and the branch is forced to the other once more,
    hooks = moving.github.hooks
    url, hooks.url = hooks.url, None
    given = await approve(moving, number)
    hooks.url = url
    await move_branch(moving, number, other)
    assert given.commit_id == other
    # then it does not count for that one.
    await refused(moving, number, "@owner approved before the last push")


async def test_updating_the_branch_keeps_approvals_and_makes_nobody_a_pusher(moving: World) -> None:
    # Given an approved plan, and a base that has moved on,
    number, _ = await moving.open_planned("Updated")
    await approve(moving, number)
    await commit_on_main(moving, {"notes.md": "Nothing that is planned.\n"})
    # when the approver presses Update branch, then the approval counts for the new head,
    await moving.github.update_branch(moving.repo, number, author=OWNER)
    await planned(moving, number)
    assert "Approved by @owner." in await shown(moving, number)
    # and when somebody pushes later, then the approver may approve again.
    await moving.push({STAGING: await moving.staging("Updated again")})
    await planned(moving, number)
    await refused(moving, number, "@owner approved an older commit.")
    await approve(moving, number)
    await moving.applied(number)


async def test_merge_of_base_with_change_of_its_own_needs_approval(moving: World) -> None:
    # Given an approved plan, and a base that has moved on,
    number, _ = await moving.open_planned("Approved")
    given = await approve(moving, number)
    await commit_on_main(moving, {"notes.md": "Nothing that is planned.\n"})
    # when the base is merged with a change that nobody has reviewed, and GitHub moves the approval to it,
    await merge_with(moving, number, {"terraform/notes.txt": "Evil\n"}, pusher=DEV)
    assert given.commit_id == moving.head(number)
    await planned(moving, number)
    # then it does not count, although the plan does the same,
    await refused(moving, number, "@owner approved an older commit.")
    # and a new one does.
    await approve(moving, number)
    await moving.applied(number)


async def merge_with(world: World, number: int, files: Mapping[str, str], *, pusher: str) -> None:
    """Merge the base into the branch as git does, and change files in the same commit."""
    hub, repo = world.github._hub, world.github.repo(world.repo)
    git = hub.git(repo)
    head, base = world.head(number), await git.resolve("main")
    assert base is not None
    by = hub.signature(hub.state.account(DEV))
    clean = await git.git("merge-tree", "--write-tree", head, base)
    start = await commit_tree(git, clean, [head, base], by=by, message="Merge main\n")
    await git.update_ref("refs/heads/scratch", start)
    changed = await git.write("scratch", files, by=by, message="Scratch", start=None)
    tree = await git.git("rev-parse", f"{changed}^{{tree}}")
    after = await commit_tree(git, tree, [head, base], by=by, message="Merge branch 'main' into change\n")
    await git.delete_ref("refs/heads/scratch")
    await git.update_ref("refs/heads/change", after)
    await announce(hub, repo, Moved(ref="refs/heads/change", before=head, after=after), pusher)
