"""Every operation of GitHub's description succeeds, and what is asked and answered conforms to it."""

import json
import re
from typing import Any

from bot.playground.github.records.model import Pull

from .conftest import REPO, SPEC, Client, World

R = f"/repos/{REPO}"


def operation(method: str, path: str) -> tuple[str, str]:
    """The described operation that a request belongs to: the one with the fewest placeholders."""
    document = json.loads(SPEC.read_text())
    found = []
    for template, methods in document["paths"].items():
        many = re.sub(r"\\\{(path|ref|basehead|branch)\\\}", "(?:.+)", re.escape(template))
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", many)
        if method.lower() in methods and re.fullmatch(pattern, path.partition("?")[0]):
            found.append((template.count("{"), -len(template), template))
    return method, min(found)[2]


class Tour:
    """Makes requests and remembers which operations they were."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, str]] = set()

    async def __call__(
        self, client: Client, method: str, path: str, body: Any = None, *, status: int = 200
    ) -> Any:
        answer = await client.call(method, path, body)
        assert answer.status == status, (method, path, answer.body)
        self.seen.add(operation(method, path))
        return answer.body


async def test_every_described_operation_succeeds_and_conforms(world: World) -> None:
    github, tour = world.github, Tour()
    files = {"envs/prod.tfvars": "size = 2\n", "terraform/main.tf": None, "terraform/moved.tf": "# é\n"}
    pull = await github.open_pull(REPO, author="dev", branch="feature", files=files, title="Grow")
    note = await github.comment(REPO, pull.number, author="dev", body="/plan")
    review = await github.review(REPO, pull.number, author="owner", state="approved")
    await github.dismiss_review(review.id, author="admin")
    github.require_checks(REPO, "tests", "lint", app=15368)
    github.require_checks(REPO, "scan", of_owner=True)
    await github.settled()
    bot = await world.bot()

    await tour_app(tour, world.app(), bot)
    await tour_repository(tour, bot, pull.head_sha)
    await tour_checks(tour, bot, pull.head_sha)
    await tour_deployments(tour, bot, pull.head_sha)
    await tour_comments(tour, bot, pull.number, note.id)
    await tour_pulls(tour, bot, pull)
    await github.push(REPO, "undo", {"envs/prod.tfvars": "size = 1\n"}, author="dev")
    await tour_revert(tour, bot)

    described = json.loads(SPEC.read_text())["paths"]
    every = {(method.upper(), path) for path, methods in described.items() for method in methods}
    assert every - tour.seen == set()


async def tour_app(tour: Tour, app: Client, bot: Client) -> None:
    await tour(app, "GET", "/app")
    installation = (await tour(app, "GET", "/app/installations"))[0]["id"]
    narrow = {"repositories": ["infra"], "permissions": {"contents": "read", "checks": "write"}}
    await tour(app, "POST", f"/app/installations/{installation}/access_tokens", narrow, status=201)
    deliveries = await tour(app, "GET", "/app/hook/deliveries?per_page=2")
    await tour(app, "POST", f"/app/hook/deliveries/{deliveries[0]['id']}/attempts", status=202)
    await tour(app, "POST", f"/app-manifests/{'a' * 40}/conversions", status=201)
    await tour(app, "GET", f"{R}/installation")
    await tour(bot, "GET", "/installation/repositories")
    await tour(bot, "GET", "/meta")
    await tour(bot, "GET", "/rate_limit")
    await tour(bot, "GET", "/orgs/acme/teams/platform/members")
    await tour(bot, "GET", "/orgs/acme/teams/platform/memberships/owner2")


async def tour_repository(tour: Tour, bot: Client, sha: str) -> None:
    await tour(bot, "GET", R)
    await tour(bot, "GET", f"{R}/branches/feature")
    await tour(bot, "GET", f"{R}/codeowners/errors")
    await tour(bot, "GET", f"{R}/collaborators/dev/permission")
    await tour(bot, "GET", f"{R}/collaborators/outsider/permission")
    await tour(bot, "GET", f"{R}/commits/{sha}")
    await tour(bot, "GET", f"{R}/compare/main...feature")
    await tour(bot, "GET", f"{R}/contents/envs")
    await tour(bot, "GET", f"{R}/contents/envs/prod.tfvars?ref={sha}")
    await tour(bot, "GET", f"{R}/git/ref/heads/feature")
    assert len(await tour(bot, "GET", f"{R}/rules/branches/main?per_page=100&page=1")) == 4


async def tour_checks(tour: Tour, bot: Client, sha: str) -> None:
    run = await tour(bot, "POST", f"{R}/check-runs", CHECK | {"head_sha": sha}, status=201)
    await tour(bot, "GET", f"{R}/check-runs/{run['id']}")
    await tour(bot, "PATCH", f"{R}/check-runs/{run['id']}", {"conclusion": "success"})
    await tour(bot, "GET", f"{R}/commits/feature/check-runs?check_name=gatewright/plan&filter=latest")
    suite = run["check_suite"]["id"]
    await tour(bot, "POST", f"{R}/check-suites/{suite}/rerequest", status=201)
    status = {"state": "success", "context": "gatewright", "target_url": "http://127.0.0.1/x"}
    await tour(bot, "POST", f"{R}/statuses/{sha}", status, status=201)
    await tour(bot, "GET", f"{R}/commits/{sha}/status")


async def tour_deployments(tour: Tour, bot: Client, sha: str) -> None:
    wanted = {"ref": "feature", "environment": "staging", "auto_merge": False, "required_contexts": []}
    deployment = await tour(bot, "POST", f"{R}/deployments", wanted, status=201)
    step = {"state": "success", "environment_url": "http://127.0.0.1/", "description": "done"}
    await tour(bot, "POST", f"{R}/deployments/{deployment['id']}/statuses", step, status=201)
    await tour(bot, "GET", f"{R}/deployments?environment=staging&sha={sha}")
    gate = {"environment_name": "prod", "state": "approved", "comment": "ok"}
    await tour(bot, "POST", f"{R}/actions/runs/7/deployment_protection_rule", gate, status=204)


async def tour_comments(tour: Tour, bot: Client, number: int, note: int) -> None:
    issue, eyes = f"{R}/issues/{number}", {"content": "eyes"}
    await tour(bot, "GET", issue)
    comment = await tour(bot, "POST", f"{issue}/comments", {"body": "planned"}, status=201)
    await tour(bot, "GET", f"{issue}/comments?per_page=100&since=2020-01-01T00:00:00Z")
    await tour(bot, "GET", f"{R}/issues/comments/{note}")
    await tour(bot, "PATCH", f"{R}/issues/comments/{comment['id']}", {"body": "planned again"})
    await tour(bot, "POST", f"{R}/issues/comments/{note}/reactions", eyes, status=201)
    await tour(bot, "POST", f"{R}/issues/comments/{note}/reactions", eyes, status=200)
    await tour(bot, "DELETE", f"{R}/issues/comments/{comment['id']}", status=204)
    await tour(bot, "POST", f"{issue}/labels", {"labels": ["prod", "risk high"]})
    await tour(bot, "DELETE", f"{issue}/labels/risk%20high")


async def tour_pulls(tour: Tour, bot: Client, pull: Pull) -> None:
    path = f"{R}/pulls/{pull.number}"
    await tour(bot, "GET", f"{R}/pulls?state=open&head=acme:feature&base=main")
    await tour(bot, "GET", path)
    await tour(bot, "GET", f"{path}/files")
    await tour(bot, "GET", f"{path}/reviews")
    body = {"sha": pull.head_sha, "merge_method": "squash"}
    merged = await tour(bot, "PUT", f"{path}/merge", body)
    ref = {"ref": "refs/heads/undo", "sha": merged["sha"]}
    await tour(bot, "POST", f"{R}/git/refs", ref, status=201)


async def tour_revert(tour: Tour, bot: Client) -> None:
    new = {"title": "Undo", "head": "undo", "base": "main", "draft": True}
    await tour(bot, "POST", f"{R}/pulls", new, status=201)
    await tour(bot, "DELETE", f"{R}/git/refs/heads/undo", status=204)


CHECK = {
    "name": "gatewright/plan",
    "status": "in_progress",
    "details_url": "http://127.0.0.1/runs/1",
    "external_id": "run-1",
    "started_at": "2026-01-01T00:00:00Z",
    "output": {
        "title": "1 to change",
        "summary": "ok",
        "annotations": [
            {
                "path": "envs/prod.tfvars",
                "start_line": 1,
                "end_line": 1,
                "annotation_level": "notice",
                "message": "grows",
            }
        ],
    },
    "actions": [{"label": "Apply", "description": "Apply the plan", "identifier": "apply"}],
}


async def test_operations_beside_the_description_answer_a_logged_in_person(world: World) -> None:
    dev, outsider = world.user("dev"), world.user("outsider")
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a.txt": "1\n"})

    me = await dev.get("/user")
    mine = await dev.get("/user/repos")
    theirs = await outsider.get("/user/repos")
    installations = await dev.get("/user/installations")
    commits = await dev.get(f"{R}/pulls/{pull.number}/commits")
    closed = await dev.patch(f"{R}/pulls/{pull.number}", {"state": "closed"})

    assert me.body["login"] == "dev"
    assert [each["full_name"] for each in mine.body] == [REPO]
    assert theirs.body == []
    assert installations.body["total_count"] == 1
    assert [each["sha"] for each in commits.body] == [pull.head_sha]
    assert closed.body["state"] == "closed"


async def test_an_answer_that_does_not_conform_would_be_noticed(world: World) -> None:
    bot = await world.bot()
    await bot.get("/repos/acme/infra/no-such-operation")
    refused = await bot.post(f"{R}/issues/1/comments", {"body": "x", "colour": "red"})

    assert world.github.violations[0] == "GET /api/v3/repos/acme/infra/no-such-operation: unknown operation"
    assert refused.status in {404, 422}
    world.github.violations.clear()
