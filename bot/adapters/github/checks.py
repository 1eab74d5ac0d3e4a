"""Check runs, truncated to GitHub's limits; annotations are sent in several requests."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.adapters.github.call import RECORD, Call
from bot.adapters.github.client import Client
from bot.adapters.github.comments import names
from bot.adapters.github.identity import Identity
from bot.adapters.github.sending import SKEW, Look
from bot.adapters.github.shapes import CheckRun, CheckRuns, Identified, parse
from bot.adapters.github.transport import Answer
from bot.domain.core.errors import GitHubError
from bot.domain.core.model import Repo
from bot.ports import Annotation, Check, CheckButton, Clock

SUMMARY_LIMIT = 65_535
ANNOTATIONS_A_REQUEST = 50
_TITLE_LIMIT = 255
_MESSAGE_LIMIT = 16_000
"""Characters of an annotation's message; GitHub allows 64 KB, which may be 16,000 characters."""
_BUTTONS = 3
_LABEL_LIMIT = 20
_DESCRIPTION_LIMIT = 40
_IDENTIFIER_LIMIT = 20
_CUT = "\n\n… cut at GitHub's limit; the run page has the rest."


class Checks:
    """Creates and updates the App's check runs."""

    def __init__(self, client: Client, identity: Identity, clock: Clock) -> None:
        self._client = client
        self._identity = identity
        self._clock = clock

    async def create(self, repo: Repo, check: Check, *, in_doubt: bool) -> int:
        """Create a check run with all its annotations; returns its id.

        With `in_doubt`, an earlier call may have created it.
        """
        first = in_portions(check.annotations)[0]
        call = Call(
            doing=f"creating the check {check.name} on {repo.full_name}",
            method="POST",
            route="/repos/{owner}/{repo}/check-runs",
            variables=names(repo),
            body={"head_sha": check.head_sha, **content(check, first)},
            write=RECORD,
        )
        # With `in_doubt`, the check run may be of any age; otherwise only a lost answer to this call matters.
        since = None if in_doubt else self._clock.now() - SKEW
        look = self._look(repo, check, since) if check.external_id else None
        answer = await self._client.ask(repo, call, look=look, in_doubt=in_doubt)
        found = answer.data if isinstance(answer.data, CheckRun) else None
        check_id = parse(Identified, answer.data, call.doing).id
        # GitHub appends annotations in the order in which they are sent, so only the missing rest is sent.
        there = len(first) if found is None else found.output.annotations_count
        for portion in in_portions(check.annotations[there:]):
            if portion:
                await self._patch(repo, check_id, check, portion, there=there)
                there += len(portion)
        return check_id

    async def update(self, repo: Repo, check_id: int, check: Check) -> bool:
        """Update a check run without its annotations; returns whether GitHub shows the update."""
        answer = await self._patch(repo, check_id, check, ())
        run = parse(CheckRun, answer.data, f"updating the check {check.name} on {repo.full_name}")
        # GitHub does not change the conclusion of a completed check run, but answers as if it had.
        wanted = state(check)
        return (run.status, run.conclusion) == (wanted["status"], wanted.get("conclusion"))

    async def _patch(
        self, repo: Repo, check_id: int, check: Check, portion: tuple[Annotation, ...], *, there: int = 0
    ) -> Answer:
        """Update a check run, and add annotations to the `there` that it has already."""
        call = Call(
            doing=f"updating the check {check.name} on {repo.full_name}",
            method="PATCH",
            route="/repos/{owner}/{repo}/check-runs/{check_id}",
            variables={**names(repo), "check_id": check_id},
            body=content(check, portion),
            write=RECORD,
            # Later calls add further annotations, so they must not replace this one.
            is_state=not portion,
        )
        read = Call(
            doing=f"reading the check {check.name} on {repo.full_name}",
            route=call.route,
            variables=call.variables,
        )

        async def look() -> Answer | None:
            answer = await self._client.ask(repo, read)
            run = parse(CheckRun, answer.data, read.doing)
            # More annotations than before mean that the request with the lost answer has arrived.
            return answer if run.output.annotations_count > there else None

        return await self._client.ask(repo, call, look=look if portion else None)

    def _look(self, repo: Repo, check: Check, since: datetime | None) -> Look:
        call = Call(
            doing=f"looking for the check {check.name} on {repo.full_name}",
            route="/repos/{owner}/{repo}/commits/{sha}/check-runs{?check_name,filter,per_page,page}",
            variables={**names(repo), "sha": check.head_sha, "check_name": check.name, "filter": "all"},
        )

        async def look() -> Answer | None:
            answer = await self._client.page(repo, call, 1)
            for run in parse(CheckRuns, answer.data, call.doing).check_runs:
                same = run.external_id == check.external_id
                new = since is None or (run.started_at is not None and run.started_at >= since)
                if same and new and await self._is_ours(run):
                    return Answer(data=run, more=False)
            return None

        return look

    async def _is_ours(self, run: CheckRun) -> bool:
        return run.app is not None and run.app.id == (await self._identity.info()).id


def content(check: Check, annotations: tuple[Annotation, ...]) -> dict[str, Any]:
    """Return the part of the request body that creating and updating have in common."""
    body: dict[str, Any] = {
        "name": check.name,
        **state(check),
        "output": {
            "title": check.title[:_TITLE_LIMIT],
            "summary": cut(check.summary, SUMMARY_LIMIT),
            "annotations": [_annotation(each) for each in annotations],
        },
        "actions": [_button(each) for each in check.buttons[:_BUTTONS]],
    }
    optional = {"details_url": check.details_url, "external_id": check.external_id}
    return body | {name: value for name, value in optional.items() if value}


def state(check: Check) -> dict[str, str]:
    """Return status and conclusion in GitHub's terms."""
    if check.conclusion is not None:
        return {"status": "completed", "conclusion": check.conclusion}
    return {"status": "queued" if check.is_waiting else "in_progress"}


def cut(text: str, limit: int) -> str:
    """Truncate a text to `limit` characters at the end of a line, and append a note."""
    if len(text) <= limit:
        return text
    head = text[: limit - len(_CUT)]
    return (head.rpartition("\n")[0] or head) + _CUT


def in_portions(annotations: tuple[Annotation, ...]) -> list[tuple[Annotation, ...]]:
    """Split annotations into one part per request; returns at least one, which may be empty."""
    size = ANNOTATIONS_A_REQUEST
    return [annotations[start : start + size] for start in range(0, max(1, len(annotations)), size)]


def _annotation(annotation: Annotation) -> dict[str, Any]:
    return {
        "path": annotation.path,
        "start_line": annotation.line,
        "end_line": annotation.line,
        "annotation_level": annotation.level,
        "message": annotation.message[:_MESSAGE_LIMIT],
    }


def _button(button: CheckButton) -> dict[str, str]:
    if len(button.identifier) > _IDENTIFIER_LIMIT:
        raise GitHubError(f"the identifier of the button {button.label} is longer than {_IDENTIFIER_LIMIT}")
    return {
        "label": button.label[:_LABEL_LIMIT],
        "description": button.description[:_DESCRIPTION_LIMIT],
        "identifier": button.identifier,
    }
