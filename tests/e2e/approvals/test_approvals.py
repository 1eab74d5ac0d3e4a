"""An environment with the gate `codeowners`: who opens it, and what does not."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bot.playground.github.actions.pushes import Moved, announce
from bot.playground.github.errors import ApiError
from tests.e2e.approvals.reviewing import CODEOWNERS, approve, own, refused, shown
from tests.e2e.world import ADMIN, DEV, OWNER, READER, STAGING, World


async def push_as(world: World, files: Mapping[str, str], *, pusher: str, author: str) -> None:
    """Push a commit that names another author than who pushes it, as git lets everybody do."""
    hub, repo = world.github._hub, world.github.repo(world.repo)
    before = await world.github.head(world.repo, "change")
    by = hub.signature(hub.state.account(author))
    after = await hub.git(repo).write("change", files, by=by, message="Not what it seems", start=None)
    await announce(hub, repo, Moved(ref="refs/heads/change", before=before, after=after), pusher)


async def test_staging_is_applied_once_its_owner_has_approved(gated: World) -> None:
    # Given a planned pull request, whose plan comment says that the owner is missing,
    number, _ = await gated.open_planned("Approved")
    row = await shown(gated, number)
    assert "⏳" in row
    assert "approval from @owner" in row
    # when it is applied without an approval, then it is refused, for the paths and the owner that are missing.
    await refused(gated, number, "`terraform/`", f"`{STAGING}`", "Needs a code owner's approval: @owner")
    # When the owner approves, then the plan comment follows,
    await approve(gated, number)
    row = await shown(gated, number)
    assert "✅" in row
    assert "Approved by @owner." in row
    # and the apply goes through.
    await gated.applied(number)
    assert "Approved" in await gated.page("staging/")


async def test_a_push_after_the_approval_voids_it(gated: World) -> None:
    # Given an approved plan,
    number, _ = await gated.open_planned("First")
    await approve(gated, number)
    # when somebody pushes,
    await gated.push({STAGING: await gated.staging("Second")})
    await gated.hear(number, kind="plan", env="staging", status="planned", head=gated.head(number))
    await gated.idle()
    # then the new plan needs an approval of its own,
    assert "@owner approved an older commit." in await shown(gated, number)
    await refused(gated, number, "@owner approved an older commit.")
    # and has one when the owner approves again.
    await approve(gated, number)
    assert "✅" in await shown(gated, number)
    await gated.applied(number)


async def test_an_approval_survives_the_same_plan_and_no_other(gated: World) -> None:
    # Given an approved plan,
    number, first = await gated.open_planned("Planned twice")
    await approve(gated, number)
    # when the same is planned again, then the approval still counts.
    await gated.comment(number, "/plan staging")
    await gated.idle()
    assert "✅" in await shown(gated, number)
    # When a plan with other changes follows on the same commit, then the approval is void,
    await gated.comment(number, "/plan staging -- -replace=terraform_data.release")
    await gated.idle()
    assert "has not approved since plan" in await shown(gated, number)
    await refused(gated, number, "@owner has not approved since plan")
    # also for the earlier plan that it was given for.
    plan = first.header["plan"]
    await gated.comment(number, f"/apply staging {plan}")
    stale = await gated.hear(number, kind="refusal", env="staging", reason="plan_stale")
    assert stale.header["reasons"] == ["plan_stale", "codeowners"]


async def test_an_approval_given_before_the_plan_is_of_no_plan(gated: World) -> None:
    # Given a draft, which is not planned, with an approval,
    number = await gated.open({STAGING: await gated.staging("Too early")}, draft=True)
    await gated.idle()
    await approve(gated, number)
    # when it is made ready and planned,
    await gated.github.mark_ready(gated.repo, number, author=DEV)
    await gated.hear(number, kind="plan", env="staging", status="planned")
    # then the approval does not count.
    await refused(gated, number, "@owner has not approved since plan")


async def test_the_author_cannot_approve(gated: World) -> None:
    # Given a pull request that the only owner opened,
    number = await gated.open({STAGING: await gated.staging("My own")}, author=OWNER)
    await gated.hear(number, kind="plan", env="staging", status="planned")
    # when the owner tries to approve, then GitHub itself refuses,
    with pytest.raises(ApiError):
        await approve(gated, number)
    # and nobody else's approval opens the gate.
    await approve(gated, number, by="owner2")
    await refused(gated, number, "Needs a code owner's approval: @owner", "another owner of `terraform/`")


@pytest.mark.parametrize("named", ["by the commit", "by GitHub only"])
async def test_who_pushed_cannot_approve(gated: World, named: str) -> None:
    # Given a pull request to which the owner pushed, as a commit's author or with another's commit,
    number, _ = await gated.open_planned("Mine")
    files = {STAGING: await gated.staging("Pushed by the owner")}
    by_the_commit = named == "by the commit"
    await push_as(
        gated,
        files,
        pusher=DEV if by_the_commit else OWNER,
        author=OWNER if by_the_commit else DEV,
    )
    await gated.hear(number, kind="plan", env="staging", status="planned", head=gated.head(number))
    await gated.idle()
    # when the owner approves the newest commit,
    await approve(gated, number)
    # then it does not count.
    await refused(gated, number, "@owner pushed to this pull request and cannot approve it.")


async def test_an_owner_who_may_only_read_opens_nothing(gated: World) -> None:
    # Given a reader as the owner,
    await own(gated, "* @reader\n")
    number, _ = await gated.open_planned("Read only")
    # when the reader approves,
    await approve(gated, number, by=READER)
    # then it does not count.
    await refused(gated, number, "@reader approved without write access.")


async def test_a_writer_who_is_no_owner_opens_nothing(gated: World) -> None:
    number, _ = await gated.open_planned("Not mine")
    await approve(gated, number, by="owner2")
    await refused(gated, number, "Needs a code owner's approval: @owner")


async def test_a_dismissed_approval_opens_nothing(gated: World) -> None:
    # Given an approved plan,
    number, _ = await gated.open_planned("Dismissed")
    given = await approve(gated, number)
    assert "✅" in await shown(gated, number)
    # when the approval is dismissed, then the plan comment follows, and the apply is refused.
    await gated.github.dismiss_review(given.id, author=ADMIN)
    await gated.idle()
    assert "⏳" in await shown(gated, number)
    await refused(gated, number, "@owner gave a review that was dismissed.")


async def test_changes_requested_after_the_approval_shut_the_gate(gated: World) -> None:
    number, _ = await gated.open_planned("Second thoughts")
    await approve(gated, number)
    await approve(gated, number, state="changes_requested")
    await approve(gated, number, state="commented")
    await refused(gated, number, "@owner asks for changes.")


async def test_an_approval_of_an_older_commit_opens_nothing(gated: World) -> None:
    # Given a pull request with two commits, the newer one planned,
    number, _ = await gated.open_planned("Older")
    older = gated.head(number)
    await gated.push({STAGING: await gated.staging("Newer")})
    await gated.hear(number, kind="plan", env="staging", status="planned", head=gated.head(number))
    # when the owner, with an old page open, approves the older one,
    await approve(gated, number, commit=older)
    # then it does not count.
    await refused(gated, number, "@owner approved an older commit.")


async def test_codeowners_changed_in_the_pull_request_has_no_effect(gated: World) -> None:
    # Given a pull request that makes another its owner,
    number = await gated.open({STAGING: await gated.staging("Coup"), CODEOWNERS: "* @owner2\n"})
    await gated.hear(number, kind="plan", env="staging", status="planned")
    # when that one approves, then the owner on the default branch is still missing,
    await approve(gated, number, by="owner2")
    body = await refused(gated, number, "Needs a code owner's approval: @owner")
    assert f"`{CODEOWNERS}`" in body
    # whose approval opens the gate.
    await approve(gated, number)
    await gated.applied(number)


async def test_every_owned_path_of_the_change_needs_its_owner(gated: World) -> None:
    # Given a change of a file of another owner, and of one that nobody owns,
    await own(gated, "* @owner\n/docs/ @owner2\n/notes/\n")
    files = {STAGING: await gated.staging("Two owners"), "docs/a.md": "a\n", "notes/b.md": "b\n"}
    number = await gated.open(files)
    await gated.hear(number, kind="plan", env="staging", status="planned")
    # when one owner approves, then only the other's path is missing,
    await approve(gated, number)
    body = await refused(gated, number, "@owner2 (`docs/a.md`)")
    assert "notes/b.md" not in body
    # and with both approvals it is applied.
    await approve(gated, number, by="owner2")
    await gated.applied(number)


async def test_without_an_owner_the_gate_stays_shut(gated: World) -> None:
    # Given a repository whose CODEOWNERS leaves the module to nobody, and has a line that does not count,
    await own(gated, "/envs/ @owner\n!terraform @owner\n")
    number, _ = await gated.open_planned("Unowned")
    # when the owner of the rest approves,
    await approve(gated, number)
    # then it is refused, and the line is told.
    await refused(gated, number, "`terraform/` has no owner.", "CODEOWNERS line 2: skipped")


async def test_a_member_of_an_owning_team_opens_the_gate(gated: World) -> None:
    # Given a team as the owner,
    await gated.github.add_team("acme", "platform", [OWNER])
    gated.github.set_team_permission(gated.repo, "platform", "write")
    await own(gated, "* @acme/platform\n")
    number, _ = await gated.open_planned("By a team")
    # when somebody outside of it approves, then the team is missing.
    await approve(gated, number, by="owner2")
    await refused(
        gated, number, "Needs a code owner's approval: @acme/platform", "approval from @acme/platform"
    )
    # When a member approves, then it is applied.
    await approve(gated, number)
    await gated.applied(number)


async def test_reviews_that_cannot_be_read_shut_the_gate(gated: World) -> None:
    # Given an approved plan and a GitHub that does not give its reviews away,
    number, _ = await gated.open_planned("Unreadable")
    await approve(gated, number)
    fault = gated.github.faults.add(path=r"/reviews", method="GET", status=451, times=None)
    # when the apply is asked for, then the gate is shut, because nobody knows.
    try:
        await refused(gated, number, "could not be read", "reading the reviews")
    finally:
        gated.github.faults.clear()
    assert fault.hits
    # And when GitHub answers again, the same command goes through.
    await gated.applied(number)
