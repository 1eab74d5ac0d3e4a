"""REST beyond success: limits, pages, conflicts."""

import asyncio
import base64

import pytest

from bot.playground.github import ApiError, SecondaryLimits

from .conftest import REPO, World

R = f"/repos/{REPO}"


async def test_lists_come_in_pages_with_links(world: World) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    for number in range(105):
        await world.github.comment(REPO, pull.number, author="dev", body=f"{number}")
    bot = await world.bot()
    path = f"{R}/issues/{pull.number}/comments"

    first = await bot.get(f"{path}?per_page=500")
    second = await bot.get(f"{path}?per_page=100&page=2")
    default = await bot.get(path)

    assert len(first.body) == 100
    assert 'rel="next"' in first.headers["Link"]
    assert 'page=2>; rel="last"' in first.headers["Link"]
    assert [each["body"] for each in second.body] == ["100", "101", "102", "103", "104"]
    assert 'rel="prev"' in second.headers["Link"]
    assert 'rel="next"' not in second.headers["Link"]
    assert len(default.body) == 30


async def test_a_comment_has_a_limit_and_cannot_be_blank(world: World) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    bot = await world.bot()
    path = f"{R}/issues/{pull.number}/comments"

    fits = await bot.post(path, {"body": "é" * 65_536})
    long = await bot.post(path, {"body": "x" * 65_537})
    blank = await bot.post(path, {"body": "  "})

    assert (fits.status, long.status, blank.status) == (201, 422, 422)
    assert "maximum is 65536" in long.body["message"]


async def test_check_runs_have_limits(world: World) -> None:
    sha = await world.github.head(REPO, "main")
    bot = await world.bot()
    base = {"name": "plan", "head_sha": sha}
    button = {"label": "Apply", "description": "d", "identifier": "i"}

    answers = [
        await bot.post(f"{R}/check-runs", {**base, **extra})
        for extra in (
            {"actions": [button] * 4},
            {"actions": [{**button, "label": "x" * 21}]},
            {"actions": [{**button, "description": "x" * 41}]},
            {"output": {"title": "t", "summary": "x" * 65_536}},
            {"status": "completed"},
        )
    ]
    unknown = await bot.post(f"{R}/check-runs", {"name": "plan", "head_sha": "0" * 40})

    assert [each.status for each in answers] == [422] * 5
    assert unknown.status == 422
    world.github.violations.clear()


async def test_rules_of_a_branch_are_those_of_its_active_rulesets(world: World) -> None:
    github, bot = world.github, await world.bot()
    github.require_checks(REPO, "tests", app=15368)
    github.require_checks(REPO, "scan", of_owner=True)
    github.require_checks(REPO, "elsewhere", branch="release/1")
    github.require_checks(REPO, "only watched").enforcement = "evaluate"

    told = await bot.get(f"{R}/rules/branches/main")
    second = await bot.get(f"{R}/rules/branches/main?per_page=3&page=2")
    slashed = await bot.get(f"{R}/rules/branches/release/1")

    checks = [each for each in told.body if each["type"] == "required_status_checks"]
    assert [each["parameters"]["required_status_checks"] for each in checks] == [
        [{"context": "tests", "integration_id": 15368}],
        [{"context": "scan"}],
    ]
    assert [(each["ruleset_source_type"], each["ruleset_source"]) for each in checks] == [
        ("Repository", REPO),
        ("Organization", "acme"),
    ]
    assert len(told.body) == 4
    assert [each["type"] for each in second.body] == ["required_status_checks"]
    assert len(slashed.body) == 2


async def test_an_unknown_field_is_refused_and_noted(world: World) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    bot = await world.bot()

    answer = await bot.post(f"{R}/issues/{pull.number}/comments", {"body": "x", "colour": "red"})

    assert answer.status == 422
    assert len(world.github.violations) == 1
    world.github.violations.clear()


async def test_merging_wants_the_head_that_was_seen_and_no_conflict(world: World) -> None:
    github = world.github
    one = await github.open_pull(REPO, author="dev", branch="one", files={"envs/prod.tfvars": "size = 2\n"})
    two = await github.open_pull(REPO, author="dev", branch="two", files={"envs/prod.tfvars": "size = 3\n"})
    bot = await world.bot()

    async def merge(number: int, **body: str) -> int:
        return (await bot.call("PUT", f"{R}/pulls/{number}/merge", body)).status

    assert await merge(one.number, sha="0" * 40) == 409
    assert await merge(one.number, sha=one.head_sha, merge_method="merge") == 200
    assert (await bot.get(f"{R}/pulls/{two.number}")).body["mergeable_state"] == "dirty"
    assert await merge(two.number) == 405
    assert await merge(one.number) == 405
    assert await github.read(REPO, "main", "envs/prod.tfvars") == "size = 2\n"


async def test_the_three_ways_to_merge_leave_three_histories(world: World) -> None:
    github = world.github
    for name in ("merge", "squash", "rebase"):
        pull = await github.open_pull(REPO, author="dev", branch=name, files={f"{name}-1": "1\n"})
        await github.push(REPO, name, {f"{name}-2": "2\n"}, author="dev")
        before = await github.head(REPO, "main")

        sha = await github.merge(REPO, pull.number, author="owner", method=name)

        bot = await world.bot()
        commit = (await bot.get(f"{R}/commits/{sha}")).body
        ahead = (await bot.get(f"{R}/compare/{before}...{sha}")).body["ahead_by"]
        assert (len(commit["parents"]), ahead) == {"merge": (2, 3), "squash": (1, 1), "rebase": (1, 2)}[name]
        assert await github.read(REPO, "main", f"{name}-2") == "2\n"


async def test_the_files_of_a_pull_request_tell_renames(world: World) -> None:
    text = "".join(f"line {number}\n" for number in range(30))
    await world.github.push(REPO, "main", {"old name.tf": text}, author="admin")
    changes = {"old name.tf": None, "new/näme.tf": text + "more\n", "envs/prod.tfvars": None, "b.tf": "x\n"}
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files=changes)

    files = (await (await world.bot()).get(f"{R}/pulls/{pull.number}/files")).body

    found = {each["filename"]: (each["status"], each.get("previous_filename")) for each in files}
    assert found == {
        "new/näme.tf": ("renamed", "old name.tf"),
        "envs/prod.tfvars": ("removed", None),
        "b.tf": ("added", None),
    }
    assert next(each for each in files if each["status"] == "renamed")["additions"] == 1


async def test_contents_are_read_at_a_branch_commit_or_default(world: World) -> None:
    await world.github.push(REPO, "release/1.0", {"envs/prod.tfvars": "size = 9\n"}, author="admin")
    bot = await world.bot()
    path = f"{R}/contents/envs/prod.tfvars"

    there = await bot.get(f"{path}?ref=release/1.0")
    here = await bot.get(path)
    missing = await bot.get(f"{R}/contents/nowhere.tf")
    listing = await bot.get(f"{R}/contents/envs")
    branch = await bot.get(f"{R}/branches/release/1.0")

    assert base64.b64decode(there.body["content"]) == b"size = 9\n"
    assert base64.b64decode(here.body["content"]) == b"size = 1\n"
    assert missing.status == 404
    assert [each["path"] for each in listing.body] == ["envs/prod.tfvars"]
    assert branch.body["commit"]["sha"] == await world.github.head(REPO, "release/1.0")


async def test_file_of_any_name_is_found_by_its_listed_address(world: World) -> None:
    names = ["a b.tf", "c#d?e.tf", "f%20g&h+i.tf", "ä*[j].tf", "k@{1}.tf"]
    await world.github.push(REPO, "odd", {f"x/{name}": f"# {name}\n" for name in names}, author="admin")
    bot = await world.bot()

    listing = await bot.get(f"{R}/contents/x?ref=odd")
    found = [(await bot.get(each["url"])).body for each in listing.body]

    assert sorted(each["name"] for each in found) == sorted(names)
    assert all(base64.b64decode(each["content"]).decode() == f"# {each['name']}\n" for each in found)
    assert (await bot.get(f"{R}/contents/x%00y")).status == 404
    assert (await bot.get(f"{R}/contents/../../x")).status == 404
    assert world.github.crashes == []


async def test_what_did_not_change_is_answered_304_to_its_etag(world: World) -> None:
    bot = await world.bot()
    first = await bot.get(f"{R}/branches/main")

    again = await bot.get(f"{R}/branches/main", If_None_Match=first.headers["ETag"])

    assert again.status == 304


async def test_the_content_budget_answers_with_a_wait(world: World) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    bot = await world.bot()
    world.github.limits.secondary = SecondaryLimits(content_per_minute=3, status=429)
    path = f"{R}/issues/{pull.number}/comments"

    answers = [await bot.post(path, {"body": "x"}) for _ in range(4)]
    world.clock.ahead += 61
    later = await bot.post(path, {"body": "x"})

    assert [each.status for each in answers] == [201, 201, 201, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert later.status == 201


async def test_the_hourly_budget_is_reported_and_ends(world: World) -> None:
    bot = await world.bot()
    world.github.limits.per_hour = 3

    answers = [await bot.get(R) for _ in range(4)]

    assert [each.headers["x-ratelimit-remaining"] for each in answers] == ["2", "1", "0", "0"]
    assert [each.status for each in answers] == [200, 200, 200, 403]


async def test_deployment_minds_checks_and_stale_base_unless_told_not_to(world: World) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    bot = await world.bot()
    check = {"name": "gatewright/apply", "head_sha": pull.head_sha, "status": "in_progress"}
    await bot.post(f"{R}/check-runs", check)
    plain = {"ref": pull.head_sha, "environment": "staging"}

    blocked = await bot.post(f"{R}/deployments", plain)
    await world.github.push(REPO, "main", {"b": "1\n"}, author="admin")
    merged = await bot.post(f"{R}/deployments", plain)
    told = await bot.post(f"{R}/deployments", {**plain, "auto_merge": False, "required_contexts": []})

    assert (blocked.status, merged.status, told.status) == (409, 202, 201)


async def test_a_success_retires_the_environments_earlier_deployment(world: World) -> None:
    bot = await world.bot()
    for _ in range(2):
        body = {"ref": "main", "environment": "staging", "auto_merge": False, "required_contexts": []}
        made = await bot.post(f"{R}/deployments", body)
        await bot.post(f"{R}/deployments/{made.body['id']}/statuses", {"state": "success"})

    states = [each.statuses[-1].state for each in world.github.deployments(REPO)]

    assert states == ["inactive", "success"]


async def test_code_owner_errors_name_owners_without_write_access(world: World) -> None:
    text = "* @owner\n/a @reader\n/b @acme/nowhere bad\n/c @acme/platform a@b.example\n!d @owner\n"
    await world.github.push(REPO, "main", {".github/CODEOWNERS": text}, author="admin")

    errors = (await (await world.bot()).get(f"{R}/codeowners/errors")).body["errors"]

    assert [(each["line"], each["kind"]) for each in errors] == [
        (2, "Unknown owner"),
        (3, "Unknown owner"),
        (3, "Invalid owner"),
        (5, "Invalid pattern"),
    ]


async def test_an_outdated_comment_is_minimized_by_graphql(world: World) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    bot = await world.bot()
    made = await bot.post(f"{R}/issues/{pull.number}/comments", {"body": "old"})
    query = "mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) { minimizedComment { isMinimized } } }"

    good = await bot.post(
        world.github.graphql_url, {"query": query, "variables": {"id": made.body["node_id"]}}
    )
    bad = await bot.post(world.github.graphql_url, {"query": query, "variables": {"id": "IC_nonsense"}})

    assert good.body["data"]["minimizeComment"]["minimizedComment"]["isMinimized"] is True
    assert world.github.comments(REPO, pull.number)[0].minimized == "outdated"
    assert bad.body["errors"][0]["type"] == "NOT_FOUND"


async def test_parallel_comments_are_all_kept(world: World) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    bot = await world.bot()
    path = f"{R}/issues/{pull.number}/comments"

    await asyncio.gather(*(bot.post(path, {"body": f"{number}"}) for number in range(20)))

    assert {each.body for each in world.github.comments(REPO, pull.number)} == {str(n) for n in range(20)}


async def test_names_of_repositories_ignore_case(world: World) -> None:
    answer = await (await world.bot()).get("/repos/ACME/Infra")

    assert answer.body["full_name"] == REPO


async def test_issues_are_opened_listed_and_closed_by_their_label(world: World) -> None:
    bot = await world.bot()
    blind = await world.bot(permissions={"issues": "read"})

    made = await bot.post(f"{R}/issues", {"title": "Drift in prod", "body": "x", "labels": ["drift"]})
    refused = await blind.post(f"{R}/issues", {"title": "x"})
    listed = await bot.get(f"{R}/issues?labels=drift&creator=gatewright[bot]")
    note = await bot.post(f"{R}/issues/{made.body['number']}/comments", {"body": "still"})
    closed = await bot.patch(f"{R}/issues/{made.body['number']}", {"state": "closed"})

    assert (made.status, refused.status, note.status) == (201, 403, 201)
    assert [each["title"] for each in listed.body] == ["Drift in prod"]
    assert "pull_request" not in listed.body[0]
    assert closed.body["state"] == "closed"
    async with world.session.get(f"{world.github.url}/{REPO}/issues/1") as page:
        assert "Drift in prod" in await page.text()


async def test_odd_paths_and_revisions_are_not_found(world: World) -> None:
    bot = await world.bot()

    answers = [
        await bot.get(f"{R}/{path}")
        for path in (
            "contents/:(glob)*",
            "contents/a?ref=--output=x",
            "git/ref/heads/no%0Aname",
            "compare/main...--all",
            "pulls/one",
            "pulls/99999999999999999999",
            "branches/nowhere",
        )
    ]

    assert {each.status for each in answers} == {404}


async def test_a_branch_name_cannot_smuggle_commands(world: World) -> None:
    with pytest.raises(ApiError):
        await world.github.push(REPO, "x\nfrom refs/heads/main", {"a": "1\n"}, author="dev")
    with pytest.raises(ApiError):
        await world.github.push(REPO, "x", {"a\nD README.md": "1\n"}, author="dev")

    assert await world.github.read(REPO, "main", "README.md") == "# infra\n"
