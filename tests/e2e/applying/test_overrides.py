"""Two owners open one gate once; a plan can be made again by those whose it is."""

from __future__ import annotations

from tests.e2e.world import ADMIN, DEV, OWNER, READER, World


async def test_two_owners_open_gate_once_and_the_closeout_says_so(world: World) -> None:
    # Given a plan that its code owners have not approved,
    await world.change_policy(
        lambda text: text.replace(
            "      allow: write\n    after_merge",
            "      allow: write\n      gates: [codeowners]\n    after_merge",
        )
    )
    number, _ = await world.open_planned("Overridden")
    await world.comment(number, "/apply staging")
    await world.refused(number, "codeowners")
    # when somebody asks who is no owner, or for a gate that is never opened,
    await world.comment(number, "/override staging codeowners please", by=DEV)
    # then it is refused;
    await world.refused(number, "permission")
    await world.comment(number, "/override staging plan_fresh please", by=OWNER)
    await world.refused(number, "gate")
    # one owner alone opens nothing, not even by asking twice;
    for _ in range(2):
        await world.comment(number, "/override staging codeowners the site is down", by=OWNER)
        await world.hear(number, kind="override", env="staging", status="asked")
    await world.comment(number, "/apply staging")
    await world.refused(number, "codeowners")
    # two do, for one apply,
    await world.comment(number, "/override staging codeowners the site is down", by=ADMIN)
    await world.hear(number, kind="override", env="staging", status="open")
    await world.idle()
    world.watch(number).skip()
    await world.applied(number)
    # and the closeout says so.
    await world.github.merge(world.repo, number, author=DEV)
    said = await world.hear(number, kind="closeout", status="merged")
    assert "- gate `codeowners` of `staging`, by `owner` and `admin`: the site is down" in said.body


async def test_an_opened_gate_counts_for_the_apply_of_the_merge(world: World) -> None:
    # Given a plan whose gate two owners have opened, and which nobody has applied,
    await world.change_policy(
        lambda text: text.replace(
            "      allow: write\n    after_merge",
            "      allow: write\n      gates: [codeowners]\n    after_merge",
        )
    )
    number, _ = await world.open_planned("By the merge")
    for login, status in ((OWNER, "asked"), (ADMIN, "open")):
        await world.comment(number, "/override staging codeowners the owner is away", by=login)
        await world.hear(number, kind="override", env="staging", status=status)
    await world.idle()
    # when it is merged, then it is applied, and the closeout names who opened the gate.
    await world.github.merge(world.repo, number, author=DEV)
    said = await world.hear(number, kind="closeout", status="merged")
    assert "✅ applied as reviewed" in said.body
    assert "- gate `codeowners` of `staging`, by `owner` and `admin`: the owner is away" in said.body
    await world.told(number)
    assert "By the merge" in await world.page("staging/")


async def test_a_plan_is_made_again_by_those_whose_it_is(world: World) -> None:
    # Given a plan that a developer's push has made,
    number, first = await world.open_planned()
    run = first.header["run"]
    # when somebody else asks for it again,
    await world.comment(number, f"/rerun {run}", by=READER)
    await world.refused(number, "permission")
    await world.comment(number, f"/rerun {run}", by="owner2")
    # then it is refused, and the developer's own request is not.
    await world.refused(number, "permission")
    await world.comment(number, f"/rerun {run}")
    again = await world.hear(number, kind="plan", env="staging", status="planned")
    assert again.header["plan"] != first.header["plan"]
    # And what changes a state is never repeated.
    await world.applied(number)
    (apply,) = world.runs(kind="apply")
    await world.comment(number, f"/rerun {apply['id']}")
    await world.refused(number, "already_applied")
