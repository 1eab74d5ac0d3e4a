"""Check runs, check suites and commit statuses."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field

from bot.playground.github.actions import checks as acts
from bot.playground.github.check_lifecycle import latest
from bot.playground.github.errors import ApiError, invalid, not_found
from bot.playground.github.rest.call import Body, Call, Reply, Route
from bot.playground.github.shapes.checks import (
    check_run_json,
    combined_status_json,
    status_json,
)

TEXT_MOST = 65_535
STATUS_TEXT_MOST = 140
FULL_SHA = re.compile(r"[0-9a-f]{40}")


class Annotation(Body):
    """A remark on lines of a file."""

    path: str
    start_line: int
    end_line: int
    start_column: int | None = None
    end_column: int | None = None
    annotation_level: Literal["notice", "warning", "failure"]
    message: str
    title: str | None = None
    raw_details: str | None = None


class Image(Body):
    """A picture in the output."""

    alt: str
    image_url: str
    caption: str | None = None


class Output(Body):
    """The content of a check run."""

    title: str | None = None
    summary: Annotated[str, Field(max_length=TEXT_MOST)]
    text: Annotated[str, Field(max_length=TEXT_MOST)] | None = None
    annotations: Annotated[list[Annotation], Field(max_length=50, default_factory=list)]
    images: Annotated[list[Image], Field(default_factory=list)]


class Action(Body):
    """A button."""

    label: Annotated[str, Field(max_length=20)]
    description: Annotated[str, Field(max_length=40)]
    identifier: Annotated[str, Field(max_length=20)]


class CheckChanges(Body):
    """The fields of a check run that can be set at any time."""

    name: str | None = None
    details_url: str | None = None
    external_id: str | None = None
    status: Literal["queued", "in_progress", "completed"] | None = None
    started_at: str | None = None
    conclusion: (
        Literal["action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"]
        | None
    ) = None
    completed_at: str | None = None
    output: Output | None = None
    actions: Annotated[list[Action], Field(max_length=3)] | None = None


class NewCheck(CheckChanges):
    """A new check run; on creation an output needs a title."""

    name: str
    head_sha: str


def _fields(wanted: CheckChanges) -> dict[str, Any]:
    return wanted.model_dump(exclude_unset=True, exclude={"head_sha"})


async def create_check_run(call: Call) -> Reply:
    """POST /repos/{owner}/{repo}/check-runs."""
    repo = call.repo()
    wanted = call.parse(NewCheck)
    if wanted.output is not None and not wanted.output.title:
        raise invalid("CheckRun", "output.title", "title is missing", code="missing_field")
    if not FULL_SHA.fullmatch(wanted.head_sha) or await call.hub.git(repo).resolve(wanted.head_sha) is None:
        raise ApiError(422, f"No commit found for SHA: {wanted.head_sha}", errors=[])
    run = acts.create_check_run(call.hub, repo, wanted.head_sha, _fields(wanted))
    return Reply(status=201, body=check_run_json(call.hub, repo, run))


async def get_check_run(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/check-runs/{check_run_id}."""
    repo = call.repo()
    run = acts.check_run_of(call.hub, repo, call.number("check_run_id"))
    return Reply(body=check_run_json(call.hub, repo, run))


async def update_check_run(call: Call) -> Reply:
    """PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}."""
    repo = call.repo()
    run = acts.check_run_of(call.hub, repo, call.number("check_run_id"))
    acts.update_check_run(call.hub, repo, run, _fields(call.parse(CheckChanges)))
    return Reply(body=check_run_json(call.hub, repo, run))


async def list_check_runs(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/commits/{ref}/check-runs."""
    repo, query = call.repo(), call.query
    sha = await call.hub.git(repo).resolve(call.params["ref"])
    if sha is None:
        raise ApiError(422, f"No commit found for SHA: {call.params['ref']}", errors=[])
    runs = acts.check_runs_of(call.hub, repo, sha)
    if query.get("filter", "latest") == "latest":
        runs = latest(runs)
    runs = [
        run
        for run in runs
        if query.get("check_name") in {None, run.name}
        and query.get("status") in {None, run.status}
        and query.get("app_id") in {None, str(check_run_json(call.hub, repo, run)["app"]["id"])}
    ]
    some, headers = call.page(runs)
    shapes = [check_run_json(call.hub, repo, run) for run in some]
    return Reply(body={"total_count": len(runs), "check_runs": shapes}, headers=headers)


async def rerequest_suite(call: Call) -> Reply:
    """POST /repos/{owner}/{repo}/check-suites/{check_suite_id}/rerequest."""
    await acts.rerequest_suite(call.hub, call.repo(), call.number("check_suite_id"), by=call.actor)
    return Reply(status=201, body={})


class StatusBody(Body):
    """A commit status."""

    state: Literal["error", "failure", "pending", "success"]
    target_url: str | None = None
    description: Annotated[str, Field(max_length=STATUS_TEXT_MOST)] | None = None
    context: str = "default"


async def create_status(call: Call) -> Reply:
    """POST /repos/{owner}/{repo}/statuses/{sha}."""
    repo = call.repo()
    wanted = call.parse(StatusBody)
    sha = await call.hub.git(repo).resolve(call.params["sha"])
    if sha is None:
        raise ApiError(422, f"No commit found for SHA: {call.params['sha']}", errors=[])
    status = await acts.report_status(call.hub, repo, sha, wanted.model_dump(), by=call.actor)
    shape = status_json(call.hub, repo, status)
    return Reply(status=201, body=shape, headers={"Location": shape["url"]})


async def combined_status(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/commits/{ref}/status."""
    repo = call.repo()
    sha = await call.hub.git(repo).resolve(call.params["ref"])
    if sha is None:
        raise not_found()
    return Reply(body=combined_status_json(call.hub, repo, sha))


_REPO = "/repos/{owner}/{repo}"
_RUN = f"{_REPO}/check-runs/{{check_run_id}}"
_RUNS_OF = f"{_REPO}/commits/{{ref:.+}}/check-runs"
_STATUS_OF = f"{_REPO}/commits/{{ref:.+}}/status"
_CHECKS = ("checks:write",)
ROUTES = (
    Route(method="POST", path=f"{_REPO}/check-runs", handler=create_check_run, needs=_CHECKS),
    Route(method="GET", path=_RUN, handler=get_check_run, needs=("checks:read",)),
    Route(method="PATCH", path=_RUN, handler=update_check_run, needs=_CHECKS),
    Route(method="GET", path=_RUNS_OF, handler=list_check_runs, needs=("checks:read",)),
    Route(
        method="POST",
        path=f"{_REPO}/check-suites/{{check_suite_id}}/rerequest",
        handler=rerequest_suite,
        needs=_CHECKS,
    ),
    Route(
        method="POST",
        path=f"{_REPO}/statuses/{{sha}}",
        handler=create_status,
        needs=("statuses:write",),
    ),
    Route(method="GET", path=_STATUS_OF, handler=combined_status, needs=("statuses:read",)),
)
