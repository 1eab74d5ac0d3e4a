"""A renamed account keeps what it had, and another account that takes its login gets nothing of it."""

from __future__ import annotations

from tests.e2e.world import ADMIN, STAGING, World, next_second

_OVERRIDE = "/override staging codeowners the site is down"


def named(world: World, name: str) -> str:
    """Return a login of this test's own: people of other tests live on the same GitHub."""
    return f"{name}-{world.repo.rpartition('-')[2]}"


async def join(world: World, login: str, role: str) -> str:
    await world.github.add_user(login)
    world.github.set_permission(world.repo, login, role)
    return login


async def gate(world: World) -> None:
    """Let staging wait for the approval of its code owners."""
    await world.change_policy(
        lambda text: text.replace(
            "      allow: write\n    after_merge",
            "      allow: write\n      gates: [codeowners]\n    after_merge",
        )
    )


async def test_one_owner_who_renames_opens_no_gate_alone(world: World) -> None:
    # Given a gate that is shut, and an administrator who asks to open it,
    await gate(world)
    chief = await join(world, named(world, "chief"), "admin")
    number, _ = await world.open_planned("Renamed")
    await world.comment(number, _OVERRIDE, by=chief)
    await world.hear(number, kind="override", env="staging", status="asked")
    # when the same person repeats it under another login,
    renamed = world.github.rename_account(chief, named(world, "boss")).login
    await world.comment(number, _OVERRIDE, by=renamed)
    # then it is still one who asks,
    await world.hear(number, kind="override", env="staging", status="asked")
    await world.comment(number, "/apply staging", by=renamed)
    await world.refused(number, "codeowners")
    # and another administrator, who has taken the old login, is the second.
    await join(world, chief, "admin")
    await world.comment(number, _OVERRIDE, by=chief)
    await world.hear(number, kind="override", env="staging", status="open")
    await world.idle()
    world.watch(number).skip()


async def test_a_pusher_who_renames_cannot_approve(world: World) -> None:
    # Given an owner-to-be who has pushed to another developer's pull request, and renames,
    await gate(world)
    paul = await join(world, named(world, "paul"), "write")
    owners = {".github/CODEOWNERS": f"* @{named(world, 'paula')}\n"}
    await world.github.push(world.repo, "main", owners, author=ADMIN)
    number, _ = await world.open_planned("Ours")
    await world.push({STAGING: await world.staging("His")}, by=paul)
    await world.hear(number, kind="plan", env="staging", status="planned", head=world.head(number))
    await world.idle()
    paula = world.github.rename_account(paul, named(world, "paula")).login
    # when the owner approves under the new login,
    await next_second()
    await world.github.review(world.repo, number, author=paula, state="approved")
    await world.told(number)
    await world.comment(number, "/apply staging")
    # then it is the approval of who pushed.
    said = await world.refused(number, "codeowners")
    assert "pushed to this pull request and cannot approve it" in said.body


async def test_account_that_takes_a_login_gets_nothing_of_the_former(world: World) -> None:
    # Given a developer who has applied and holds the stack, and who renames,
    maya = await join(world, named(world, "maya"), "write")
    number = await world.open({STAGING: await world.staging("Mine")}, author=maya)
    plan = await world.hear(number, kind="plan", env="staging", status="planned")
    await world.comment(number, "/apply staging", by=maya)
    await world.hear(number, kind="apply", env="staging", status="applied")
    await world.idle()
    world.watch(number).skip()
    renamed = world.github.rename_account(maya, named(world, "maja")).login
    # when a newcomer with the old login, who may write, asks for what was hers,
    await join(world, maya, "write")
    for command in ("/unlock staging", f"/rerun {plan.header['run']}"):
        await world.comment(number, command, by=maya)
        # then it is refused,
        await world.refused(number, "permission")
    # and under her new login it is hers.
    await world.comment(number, "/unlock staging", by=renamed)
    await world.hear(number, kind="unlock")
    taken, given = world.lock_events(number)
    assert (taken["actor"], given["actor"]) == (maya, renamed)
    assert taken["actor_id"] == given["actor_id"] == world.github.account(renamed).id
    assert world.github.account(maya).id != taken["actor_id"] != world.github.account(ADMIN).id
