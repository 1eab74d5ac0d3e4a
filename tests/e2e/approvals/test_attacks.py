"""Approvals that were right when they were given, and are used for something else or by somebody else later."""

from __future__ import annotations

import pytest

from tests.e2e.approvals.reviewing import approve, own, refused, shown
from tests.e2e.world import OWNER, World


@pytest.mark.parametrize("how", ["left the team", "the team lost write access"])
async def test_former_owner_opens_nothing_by_an_earlier_approval(gated: World, how: str) -> None:
    # Given an approval of somebody who owned the stack when it was given,
    team = f"platform-{how.rsplit(maxsplit=1)[-1]}"
    await gated.github.add_team("acme", team, [OWNER])
    gated.github.set_team_permission(gated.repo, team, "write")
    await own(gated, f"* @acme/{team}\n")
    number, _ = await gated.open_planned("Formerly")
    await approve(gated, number)
    assert "✅" in await shown(gated, number)
    # when they are taken out of the team, or its right to write is, and nobody tells the bot,
    if how == "left the team":
        await gated.github.add_team("acme", team, [])
    else:
        gated.github.set_team_permission(gated.repo, team, "read")
    # then the approval counts no more.
    await refused(gated, number, f"Needs a code owner's approval: @acme/{team}")
    assert "Formerly" not in await gated.page("staging/")


async def test_an_approval_does_not_reach_a_plan_of_some_resources(gated: World) -> None:
    # Given an approved plan,
    number, _ = await gated.open_planned("Whole")
    await approve(gated, number)
    # when only a part of it is planned, then the approval is not of that,
    await gated.comment(number, "/plan staging -- -target=terraform_data.release")
    part = await gated.hear(number, kind="plan", env="staging", status="planned")
    assert "has not approved since plan" in await shown(gated, number)
    await refused(gated, number, "@owner has not approved since plan")
    # and an approval of that part is not one of another part.
    await approve(gated, number)
    assert "✅" in await shown(gated, number)
    await gated.comment(number, "/plan staging -- -target=terraform_data.file")
    other = await gated.hear(number, kind="plan", env="staging", status="planned")
    assert other.header["plan"] != part.header["plan"]
    await refused(gated, number, "@owner has not approved since plan")
