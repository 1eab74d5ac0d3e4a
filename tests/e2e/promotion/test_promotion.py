"""The guarded road to prod: what opens it, and everything that shuts it again."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

from bot.playground.github.actions.checks import report_status
from tests.e2e.promotion.promoting import greet, row
from tests.e2e.world import ADMIN, OWNER, World, next_second

PROD = "envs/prod.tfvars"


async def approve(world: World, number: int, *, by: str = OWNER) -> None:
    """Approve in a second of its own, and wait until the bot has taken note."""
    await next_second()
    await world.github.review(world.repo, number, author=by, state="approved")
    await world.told(number)


async def open_both(world: World, words: str, *, branch: str = "change") -> int:
    """Open a pull request that changes staging and prod, planned."""
    number = await world.open(await greet(world, words), branch=branch)
    for env in ("staging", "prod"):
        await world.hear(number, kind="plan", env=env, status="planned")
    await world.told(number)
    return number


async def report(world: World, number: int, state: str, *, name: str = "ci/tests") -> None:
    """Let another program report on the head, and wait until the bot has taken note."""
    hub, repo = world.github._hub, world.github.repo(world.repo)
    fields = {"context": name, "state": state, "description": None, "target_url": None}
    await report_status(hub, repo, world.head(number), fields, by="dev")
    await world.told(number)


async def refused(world: World, number: int, *reasons: str) -> str:
    """Ask for the apply of prod and hear every reason; nothing may run."""
    applies = len(world.runs(kind="apply"))
    await world.told(number)
    await world.comment(number, "/apply prod")
    heard = await world.hear(number, kind="refusal", env="prod", reason=reasons[0])
    assert tuple(heard.header.get("reasons", [heard.header["reason"]])) == reasons, heard.body
    await world.idle()
    assert len(world.runs(kind="apply")) == applies
    return heard.body


async def test_release_that_was_verified_in_staging_is_applied_to_prod(world: World) -> None:
    # Given a change of both, approved by its owner,
    number = await open_both(world, "Hello")
    await approve(world, number)
    # when prod is asked for first, then it is refused, with the command that comes before.
    body = await refused(world, number, "promoted")
    assert "was not applied to staging" in body
    assert "`/apply staging`" in body
    # When staging is applied, then its checks are told, and prod's plan comment shows its gate open.
    said = await world.applied(number)
    assert "**Verified**" in said.body
    assert "http" in said.body
    assert "✅" in await row(world, number, "promoted")
    # Then `/gates` says that nothing is in the way,
    await world.comment(number, "/gates prod")
    gates = await world.hear(number, kind="gates")
    assert "every gate is open" in gates.body
    # and prod is applied and verified itself, under its own release.
    said = await world.applied(number, "/apply prod", env="prod")
    assert "Hello" in await world.page("prod/")
    assert "**Verified**" in said.body
    kinds = [(run["kind"], run["env"], run["status"]) for run in world.runs() if run["kind"] != "plan"]
    assert kinds == [
        ("apply", "staging", "succeeded"),
        ("verify", "staging", "succeeded"),
        ("apply", "prod", "succeeded"),
        ("verify", "prod", "succeeded"),
    ]


async def test_a_failed_smoke_in_staging_stops_prod_until_it_passes(world: World) -> None:
    # Given a policy whose check of staging fails,
    wrong = '{type: http, url_output: url, contains: "<dd>staging</dd>"'
    await world.change_policy(
        lambda text: text.replace(wrong, '{type: http, url_output: url, contains: "not there", attempts: 1')
    )
    number = await open_both(world, "Broken")
    await approve(world, number)
    # when staging is applied, then it is told that it does not work, and prod stays shut.
    said = await world.applied(number)
    assert "its checks ended with FAIL" in said.body
    assert "The answer does not contain the expected text." in said.body
    body = await refused(world, number, "promoted")
    assert "The checks in staging ended with FAIL" in body
    assert "`/smoke staging`" in body
    # When the policy is mended and the plan made anew, then a smoke opens the way,
    await world.change_policy(lambda text: text.replace("not there", "<dd>staging</dd>"))
    await world.comment(number, "/plan prod")
    await world.hear(number, kind="plan", env="prod", status="planned")
    await approve(world, number)
    await world.comment(number, "/smoke staging")
    await world.hear(number, kind="verify", env="staging", status="verified")
    assert "✅" in await row(world, number, "promoted")
    # and a failing one shuts it again.
    await world.change_policy(lambda text: text.replace('contains: "<dd>staging', 'contains: "<dd>nowhere'))
    await world.comment(number, "/smoke staging")
    await world.hear(number, kind="verify", env="staging", status="fail")
    await refused(world, number, "config", "promoted")


async def test_staging_applied_from_elsewhere_in_between_shuts_prod(world: World) -> None:
    # Given a verified release with its lock given back,
    first = await open_both(world, "First")
    await approve(world, first)
    await world.applied(first)
    await world.comment(first, "/unlock staging")
    await world.hear(first, kind="unlock")
    # when another pull request applies staging,
    second = await open_both(world, "Second", branch="other")
    await world.applied(second)
    # then the first one's release is no longer what was verified there.
    body = await refused(world, first, "promoted")
    assert "is no longer valid" in body
    assert "`/plan staging`" in body
    # And the second one's release opens prod only with an approval of its own.
    await refused(world, second, "codeowners")


async def test_a_base_that_moves_under_the_plan_shuts_prod(world: World) -> None:
    # Given everything ready for prod,
    number = await open_both(world, "Steady")
    await approve(world, number)
    await world.applied(number)
    # when somebody changes prod's variables on the base,
    text = re.sub("Welcome", "Changed below", await world.read(PROD))
    await world.push({PROD: text}, branch="main", by=ADMIN)
    # then the plan is not what would be made now.
    body = await refused(world, number, "plan_stale", "undiverged")
    assert f"changes `{PROD}`" in body
    # And when something changes that is no part of the stack, a new plan goes through.
    await world.push({"README.md": "# Other\n"}, branch="main", by=ADMIN)
    await world.comment(number, "/plan prod")
    await world.hear(number, kind="plan", env="prod", status="planned")
    await approve(world, number)
    await world.push({"README.md": "# Another\n"}, branch="main", by=ADMIN)
    await world.applied(number, "/apply prod", env="prod")


async def test_a_policy_of_the_pull_request_itself_opens_nothing(world: World) -> None:
    # Given a pull request that takes every gate out of its own policy and makes itself its owner,
    text = await world.read("gatewright.yaml")
    files = {
        **await greet(world, "Sly"),
        "gatewright.yaml": re.sub(r"gates: \[.*\]", "gates: []", text).replace("      from: staging\n", ""),
        ".github/CODEOWNERS": "* @dev\n",
    }
    assert files["gatewright.yaml"] != text
    number = await world.open(files)
    await world.hear(number, kind="plan", env="prod", status="planned")
    # when prod is asked for, then the default branch's rules are in force.
    await refused(world, number, "codeowners", "promoted")


async def test_each_gate_alone_keeps_prod_shut(world: World) -> None:
    # Given everything ready for prod,
    number = await open_both(world, "Ready")
    await approve(world, number)
    await world.applied(number)
    # when another program's check waits or fails, then that alone shuts it, and the plan comment follows.
    await report(world, number, "pending")
    assert "⏳" in await row(world, number, "checks")
    assert "ci/tests (pending)" in await refused(world, number, "checks")
    await report(world, number, "failure")
    assert "Not passed: ci/tests (failure)." in await refused(world, number, "checks")
    await report(world, number, "success")
    assert "✅" in await row(world, number, "checks")
    # When a ruleset requires a check that nobody has reported, then it is missed until it is green.
    world.github.require_checks(world.repo, "ci/tests", "scan")
    assert "not reported: scan (missing)." in await refused(world, number, "checks")
    await report(world, number, "success", name="scan")
    assert "✅" in await row(world, number, "checks")
    # When somebody holds it, then nothing is applied until it is let go.
    await world.comment(number, "/hold prod the database is being moved", by=OWNER)
    await world.told(number)
    assert "the database is being moved" in await refused(world, number, "hold")
    await world.comment(number, "/unhold prod", by=OWNER)
    await world.told(number)
    # When the owner changes their mind, then their approval is missed.
    await next_second()
    await world.github.review(world.repo, number, author=OWNER, state="changes_requested")
    await refused(world, number, "codeowners")
    await approve(world, number)
    # When only harmless plans may pass, then this one is too much; the policy's change is told as well.
    await world.change_policy(
        lambda text: text.replace(
            "      from: staging\n", "      from: staging\n      risk: {max_level: none}\n"
        )
    )
    await refused(world, number, "config", "promoted", "risk")
    # When staging's checks fail now, then prod is shut even for a plan under the policy in force.
    await world.change_policy(lambda text: text.replace("      risk: {max_level: none}\n", ""))
    (world.playground.directory / "site" / "staging" / "index.html").unlink()
    await world.change_policy(
        lambda text: text.replace(
            'contains: "<dd>staging</dd>"}', 'contains: "<dd>staging</dd>", attempts: 1}'
        )
    )
    await world.comment(number, "/plan prod")
    await world.hear(number, kind="plan", env="prod", status="planned")
    await world.comment(number, "/smoke staging")
    said = await world.hear(number, kind="verify", env="staging", status="fail")
    assert "Status 404 came, 200 was expected." in said.body
    await refused(world, number, "promoted")


async def test_what_older_version_has_verified_is_verified_again_by_plan(world: World) -> None:
    # Given a release that is verified in staging, as a version recorded it that did not know what was fetched,
    number = await open_both(world, "Older")
    await world.applied(number)
    await world.told(number)
    with closing(sqlite3.connect(world.database, timeout=20)) as records, records:
        change = "UPDATE releases SET fetched_digest = NULL WHERE repo = ?"
        assert records.execute(change, (world.repo,)).rowcount == 1
    # when prod is looked at, then its gate says what opens it,
    await world.comment(number, "/gates prod")
    gates = await world.hear(number, kind="gates")
    [line] = [line for line in gates.body.splitlines() if " **promoted**: " in line]
    assert "was recorded by an older version" in line
    assert "`/plan staging` without changes verifies it again" in line
    # and that command does.
    await world.comment(number, "/plan staging")
    await world.hear(number, kind="plan", env="staging", status="no_changes")
    await world.told(number)
    assert [run["status"] for run in world.runs(kind="verify")] == ["succeeded", "succeeded"]
    assert "✅" in await row(world, number, "promoted")
