"""Where nobody has configured Gatewright it says nothing, and what other programs report costs it nothing."""

from __future__ import annotations

from bot.playground.github.actions.checks import report_status
from tests.e2e.merging.answers import answers, said, without_policy
from tests.e2e.world import DEV, OUTSIDER, OWNER, World


async def report(world: World, commit: str, *, name: str = "ci/tests") -> None:
    """Let another program report on a commit."""
    fields = {"context": name, "state": "success", "description": None, "target_url": None}
    await report_status(world.github._hub, world.github.repo(world.repo), commit, fields, by="dev")


def about(world: World, number: int, *, since: int) -> list[str]:
    """Return the requests about a pull request and the commits of its repository, without those of the bot's schedules."""
    parts = (f"/pulls/{number}", "/commits/", "/issues/", "/check-runs", "/branches/")
    asked = [entry.path for entry in world.github.requests[since:] if f"/repos/{world.repo}/" in entry.path]
    return [path for path in asked if any(part in path for part in parts)]


NOTHING: tuple[list[str], list[str], list[str]] = ([], [], [])


async def test_without_a_policy_nothing_is_said_whatever_happens(world: World) -> None:
    # Given a repository without gatewright.yaml on its default branch,
    await without_policy(world)
    # when a pull request is opened, pushed to, reviewed and commented on with words that are commands of ours,
    number = await world.open_staging_change()
    await world.push({"envs/staging.tfvars": await world.staging("Again")})
    await world.github.review(world.repo, number, author=OWNER, state="approved")
    lines = ("/plan", "/apply staging", "/help", "/hold staging night", "/aply staging")
    comments = [await world.comment(number, line) for line in lines]
    comments.append(await world.comment(number, "/plan", by=OUTSIDER))
    await world.idle()
    # then there is no comment, no check and no reaction.
    assert said(world, number, *comments) == NOTHING
    # And none for a group of the merge queue, nor when it is merged.
    group = await world.github.queue(world.repo, number, author=DEV)
    await world.idle()
    assert answers(world, group, count=0) == {}
    await world.github.merge(world.repo, number, author=DEV)
    await world.idle()
    assert said(world, number, *comments) == NOTHING
    assert world.runs() == []


async def test_without_a_policy_nothing_is_said_to_forks_and_drafts(world: World) -> None:
    # Given a repository without gatewright.yaml on its default branch,
    await without_policy(world)
    # when somebody opens a draft, somebody else brings a pull request from a fork and closes it,
    draft = await world.open({"README.md": "# Draft\n"}, branch="draft", draft=True)
    fork = await world.github.open_pull(
        world.repo, author=OUTSIDER, branch="gift", files={"README.md": "# Gift\n"}, fork=OUTSIDER
    )
    await world.idle()
    await world.github.close(world.repo, fork.number, author=OUTSIDER)
    await world.idle()
    # then nobody is told anything.
    assert said(world, draft) == NOTHING
    assert said(world, fork.number) == NOTHING


async def test_reports_on_commits_without_a_plan_cost_no_request(world: World) -> None:
    # Given a pull request that touches no stack,
    number = await world.open({"README.md": "# Words\n"})
    await world.idle()
    before = len(world.github.requests)
    # when other programs report on its head and on the default branch again and again,
    for count in range(20):
        await report(world, world.head(number), name=f"ci/{count}")
        await report(world, await world.github.head(world.repo, "main"), name=f"ci/{count}")
    await world.idle()
    # then GitHub is asked nothing about them.
    assert about(world, number, since=before) == []
    await world.told(number)


async def test_reports_that_come_together_are_answered_together(world: World) -> None:
    # Given a planned pull request whose gates ask for the checks of others,
    await world.change_policy(
        lambda text: text.replace("allow: write\n", "allow: write\n      gates: [checks]\n", 1)
    )
    number, _ = await world.open_planned()
    await report(world, world.head(number), name="ci/0")
    await world.told(number)
    before = len(world.github.requests)
    # when one program reports on it, and then twenty do,
    await report(world, world.head(number), name="ci/0")
    await world.idle()
    one = len(about(world, number, since=before))
    for count in range(20):
        await report(world, world.head(number), name=f"ci/{count}")
    await world.told(number)
    # then the twenty cost as much as the one, twice at most.
    assert one > 0
    assert len(about(world, number, since=before)) - one <= 2 * one
