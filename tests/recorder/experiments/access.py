"""Permissions: what a request needs, what a team has, where limits are counted."""

from __future__ import annotations

import re

from bot.adapters.github.call import Call
from bot.domain.core.errors import GitHubError
from tests.recorder.answers import accepted, field_of, words
from tests.recorder.lab import REPO, Lab
from tests.recorder.model import Experiment, Findings, Json, Need, Step
from tests.recorder.wire import Holder

_TEAM = "/orgs/{org}/teams/{team_slug}/repos/{owner}/{repo}"
_AS_REPOSITORY = "application/vnd.github.v3.repository+json"
_SETS = ({"members": "read"}, {"metadata": "read"}, {"administration": "read"})
_READS = (
    REPO,
    f"{REPO}/branches/{{branch}}",
    f"{REPO}/codeowners/errors",
    f"{REPO}/collaborators/{{username}}/permission",
    f"{REPO}/commits/{{ref}}",
    f"{REPO}/commits/{{ref}}/check-runs",
    f"{REPO}/commits/{{ref}}/status",
    f"{REPO}/compare/{{basehead}}",
    f"{REPO}/contents/{{path}}",
    f"{REPO}/deployments",
    f"{REPO}/git/commits/{{ref}}",
    f"{REPO}/git/ref{{/git_ref*}}",
    f"{REPO}/git/trees/{{ref}}",
    f"{REPO}/issues/{{number}}/comments",
    f"{REPO}/pulls",
    f"{REPO}/pulls/{{number}}",
    f"{REPO}/pulls/{{number}}/commits",
    f"{REPO}/pulls/{{number}}/files",
    f"{REPO}/pulls/{{number}}/reviews",
    f"{REPO}/rules/branches/{{branch}}",
)
_APP_READS = ("/app", "/app/hook/config", "/app/hook/deliveries", "/app/installations")
_MOST_COMMENTS = 90


async def permissions(lab: Lab) -> Findings:
    """Make each request of the bot once, and keep what GitHub says it needs."""
    app = await lab.all_of_app()
    pull = await lab.pull("permissions")
    values: dict[str, str | int | list[str]] = {
        "basehead": f"main...{pull.branch}",
        "branch": pull.branch,
        "git_ref": ["heads", pull.branch],
        "number": pull.number,
        "path": "README.md",
        "ref": pull.head,
        "username": lab.author_login,
    }
    requests: list[tuple[str, str, Json | None]] = [("GET", route, None) for route in _READS]
    requests += [("POST", route, body) for route, body in _writes(pull.head).items()]
    facts: Json = {}
    for method, route, body in requests:
        given = {name: value for name, value in values.items() if name in _named(route)}
        said = await lab.ask(method, route, by=app, body=body, variables=given)
        facts[f"{method} {route}"] = [said.status, accepted(said)]
    for route in _APP_READS:
        said = await lab.ask("GET", route, by=lab.app)
        facts[f"GET {route}"] = [said.status, accepted(said)]
    return Findings(facts=facts)


def _writes(head: str) -> dict[str, Json]:
    deployment = {"ref": head, "auto_merge": False, "required_contexts": [], "environment": "recorder"}
    return {
        f"{REPO}/check-runs": {"name": "recorder", "head_sha": head},
        f"{REPO}/deployments": deployment,
        f"{REPO}/issues/{{number}}/comments": {"body": "A comment of the recorder."},
        f"{REPO}/statuses/{{ref}}": {"state": "success", "context": "recorder"},
    }


def _named(route: str) -> set[str]:
    return set(re.findall(r"\w+", " ".join(re.findall(r"\{([^}]*)\}", route))))


async def team_access(lab: Lab) -> Findings:
    """Ask for a team's right on the repository, without and with one."""
    name = f"{lab.repository}-team"
    made = await lab.ask("POST", "/orgs/{org}/teams", body={"name": name})
    slug = str(field_of(made, "slug") or name)
    if made.status == 201:
        lab.made.append(f"/orgs/{lab.organisation}/teams/{slug}")
    facts: Json = {}
    for right in (None, "pull", "push"):
        if right is not None:
            await lab.ask("PUT", _TEAM, body={"permission": right}, team_slug=slug)
        facts[right or "no right"] = {words(each): await _right(lab, slug, each) for each in _SETS}
    return Findings(facts=facts)


async def _right(lab: Lab, slug: str, permissions: dict[str, str]) -> Json:
    token = await lab.installation(permissions)
    if token is None:
        return {"status": "no such token"}
    bare = await lab.ask("GET", _TEAM, by=token, team_slug=slug)
    full = await lab.ask("GET", _TEAM, by=token, accept=_AS_REPOSITORY, team_slug=slug)
    return {
        "status": bare.status,
        "status as a repository": full.status,
        "role_name": field_of(full, "role_name"),
        "push": field_of(full, "permissions", "push"),
        "accepted permissions": accepted(bare),
    }


async def content_limits(lab: Lab) -> Findings:
    """Comment as one installation until GitHub refuses, then once as another one; no request is repeated."""
    first = await lab.all_of_app()
    owner, _, name = lab.second.partition("/")
    found = await lab.ask("GET", f"{REPO}/installation", by=lab.app, owner=owner, repo=name)
    lab.installation_id, ours = int(field_of(found, "id") or 0), lab.installation_id
    second = await lab.all_of_app()
    lab.installation_id = ours
    pull = await lab.pull("limits")
    started, written, refused = lab.waits.monotonic(), 0, False
    while written < _MOST_COMMENTS and not refused:
        refused = not await _comment(lab, first, lab.organisation, lab.repository, pull.number)
        written += not refused
    last = lab.wire.exchanges[-1]
    facts: Json = {"the first installation is refused": refused}
    if refused:
        facts["the second installation may write"] = await _comment(lab, second, owner, name, 1)
        facts["status"] = last.status
    seconds = round(lab.waits.monotonic() - started)
    measured = {"comments": written, "seconds": seconds, "retry-after": last.headers.get("retry-after")}
    return Findings(facts=facts, measured=measured)


async def _comment(lab: Lab, who: Holder, owner: str, repo: str, number: int) -> bool:
    """Write one comment past everything that waits; returns whether GitHub took it."""
    call = Call(
        doing="commenting",
        route=f"{REPO}/issues/{{number}}/comments",
        method="POST",
        body={"body": "One of many comments of the recorder."},
        variables={"owner": owner, "repo": repo, "number": number},
    )
    lab.wire.by, lab.wire.accept = who.scope, None
    before = len(lab.wire.exchanges)
    try:
        await lab.wire.ask(call, await who.token())
    except Exception as error:
        if len(lab.wire.exchanges) == before:
            raise GitHubError("commenting: GitHub could not be reached") from error
    return lab.wire.exchanges[-1].status == 201


_MERGE_GROUP = (
    Step(
        do="In the App's settings → *Permissions & events* set *Merge queues* to *No access*.",
        ask="Is *Merge group* still offered below *Subscribe to events*? (yes/no)",
        fact="offered without the permission",
    ),
    Step(
        do="Set *Merge queues* to *Read-only*, tick *Merge group*, save, and accept the change on the installation's page.",
        ask="Was the change asked of the organisation's owner, and what did the mail or the page say?",
        fact="what the owner is asked",
    ),
    Step(
        do="`gh api /orgs/ORG/installations --jq '.installations[] | [.app_slug, .events, .permissions]'`",
        ask="Do `events` hold `merge_group` and `permissions` hold `merge_queues`? (yes/no)",
        fact="listed",
    ),
)


async def merge_group(lab: Lab) -> Findings:
    """Have a person change the App's permissions."""
    return await lab.played(_MERGE_GROUP)


EXPERIMENTS = (
    Experiment(
        name="permissions",
        question="Which permission does each request of the bot need (`X-Accepted-GitHub-Permissions`)?",
        steps=(
            Step(
                do='`curl -i -H "Authorization: Bearer $T" https://api.github.com/repos/ORG/REPO/…` for each request that the bot makes (the recorder\'s list is in `tests/recorder/experiments/access.py`).'
            ),
        ),
        see="The header; sets that are separated by `;` are alternatives.",
        decides="The table of permissions from which install page, manifest, `gatewright doctor` and the stand-in's grants follow.",
        run=permissions,
        needs=(Need.APP,),
    ),
    Experiment(
        name="team-access",
        question="With which permission may an App ask for a team's right on a repository, and what is answered?",
        steps=(
            Step(
                do="`gh api orgs/ORG/teams -f name=recorder`; the team has no right then. Later `gh api -X PUT orgs/ORG/teams/recorder/repos/ORG/REPO -f permission=pull`, and last with `permission=push`."
            ),
            Step(
                do="Each time, with a token of *Members: read* alone and with one of *Metadata: read* alone: `curl -i -H \"Authorization: Bearer $T\" https://api.github.com/orgs/ORG/teams/recorder/repos/ORG/REPO`, and again with `-H 'Accept: application/vnd.github.v3.repository+json'`."
            ),
        ),
        see="404 without a right, 204 without the media type, 200 with `role_name` and `permissions` with it.",
        decides="Which token the gate `codeowners` and `apply.allow` ask with, and which field says that a team may write."
        " Where *Members: read* is not enough, teams count for nobody until the permission is granted.",
        run=team_access,
        needs=(Need.APP,),
    ),
    Experiment(
        name="merge-group",
        question="Does the event `merge_group` need *Merge queues: read*?",
        steps=_MERGE_GROUP,
        see="The event is offered only with the permission.",
        decides="The permission in the table of the install page, the manifest, and the stand-in's refusal to send the event.",
        run=merge_group,
        by_hand=True,
    ),
    Experiment(
        name="content-limits",
        question="Are limits on creating content counted per App or per installation?",
        steps=(
            Step(
                do=f"As one installation write at most {_MOST_COMMENTS} comments within a minute, until one is refused; do not"
                " repeat it. At once write one comment as another installation of the same App. Do this last, and once:"
                " the App may write nothing for minutes afterwards."
            ),
        ),
        see="201 or 403/429 for the second installation; `retry-after`.",
        decides="Whose writes the token buckets count together: today those of one installation. Where GitHub counts per"
        " App, all installations have to share them.",
        run=content_limits,
        needs=(Need.APP, Need.SECOND, Need.PERMIT),
    ),
)
