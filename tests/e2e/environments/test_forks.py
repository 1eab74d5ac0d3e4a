"""The code of a fork runs only for a commit that a maintainer has read and allowed."""

from __future__ import annotations

from tests.e2e.world import ADMIN, DEV, OUTSIDER, OWNER, STAGING, World

_OTHER = "0123456789abcdef0123456789abcdef01234567"


async def test_maintainer_allows_one_commit_of_a_fork_at_a_time(world: World) -> None:
    # Given a pull request from a fork, of which one comment says that nothing runs,
    pull = await world.github.open_pull(
        world.repo,
        author=OUTSIDER,
        branch="gift",
        fork=OUTSIDER,
        files={STAGING: await world.staging("A gift")},
    )
    number, head = pull.number, world.head(pull.number)
    assert f"/allow {head}" in (await world.refused(number, "fork")).body

    # when anybody but a maintainer allows it, or a maintainer another commit, then nothing runs;
    await world.comment(number, f"/allow {head}", by=OWNER)
    await world.refused(number, "permission")
    await world.comment(number, f"/allow {_OTHER}", by=ADMIN)
    assert f"/allow {head}" in (await world.refused(number, "head_moved")).body
    await world.comment(number, "/plan staging", by=ADMIN)
    await world.refused(number, "fork")
    await world.idle()
    assert world.runs() == []
    # when a maintainer allows that very commit, then it is planned, and can be applied by whoever may.
    await world.comment(number, f"/allow {head}", by=ADMIN)
    await world.hear(number, kind="allow", status="allowed", head=head)
    await world.hear(number, kind="plan", env="staging", status="planned", head=head)
    await world.idle()
    await world.applied(number)
    assert "A gift" in await world.page("staging/")

    # When the fork is pushed to, then nothing runs any more, and nobody is told twice why.
    told = len(world.watch(number).comments())
    fork = f"{OUTSIDER}/{world.repo.partition('/')[2]}"
    await world.github.push(fork, "gift", {STAGING: await world.staging("A trap")}, author=OUTSIDER)
    await world.idle()
    before = len(world.runs())
    assert len(world.watch(number).comments()) == told
    for line in ("/plan staging", "/apply staging"):
        await world.comment(number, line, by=DEV)
        await world.refused(number, "fork")
    await world.idle()
    assert len(world.runs()) == before
    # What it holds can still be given up.
    await world.comment(number, "/unlock staging nobody else can", by=ADMIN)
    await world.hear(number, kind="unlock")


async def test_applies_of_a_fork_are_undone_whatever_it_has_become(world: World) -> None:
    # Given staging as somebody has left it, and a commit of a fork that was allowed and applied there,
    before, _ = await world.open_planned("Ours")
    await world.applied(before)
    await world.github.merge(world.repo, before, author=DEV)
    await world.told(before)
    pull = await world.github.open_pull(
        world.repo,
        author=OUTSIDER,
        branch="gift",
        fork=OUTSIDER,
        files={STAGING: await world.staging("A gift")},
    )
    number = pull.number
    await world.told(number)
    await world.comment(number, f"/allow {world.head(number)}", by=ADMIN)
    await world.hear(number, kind="plan", env="staging", status="planned")
    await world.idle()
    await world.applied(number)
    # when the fork is pushed to, which nobody allows,
    fork = f"{OUTSIDER}/{world.repo.partition('/')[2]}"
    await world.github.push(fork, "gift", {STAGING: await world.staging("A trap")}, author=OUTSIDER)
    await world.idle()
    # then the way back is planned and applied all the same: it is of our own release's code,
    await world.comment(number, "/revert", by=OWNER)
    plan = (await world.hear(number, kind="plan", env="staging", status="planned")).header["plan"]
    await world.idle()
    await world.comment(number, f"/apply staging {plan}", by=OWNER)
    await world.hear(number, kind="revert", env="staging", status="applied")
    await world.told(number)
    assert "Ours" in await world.page("staging/")
    # and nothing else is: neither the plan of the fork's code, nor that of another pull request.
    for line in ("/apply staging", f"/apply staging {plan[:-1]}2"):
        await world.comment(number, line, by=OWNER)
        await world.refused(number, "fork")
