"""Check runs, cut to GitHub's limits; annotations go in portions, and each of them once."""

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
from bot.domain.errors import GitHubError
from bot.domain.model import Repo
from bot.ports import Annotation, Check, CheckButton, Clock

SUMMARY_LIMIT = 65_535
ANNOTATIONS_A_REQUEST = 50
_TITLE_LIMIT = 255
_MESSAGE_LIMIT = 16_000
"""Of an annotation, in characters: GitHub allows 64 KB, and a character takes at most four bytes."""
_BUTTONS = 3
_LABEL_LIMIT = 20
_DESCRIPTION_LIMIT = 40
_IDENTIFIER_LIMIT = 20
_CUT = "\n\n… cut at GitHub's limit; the run page has the rest."


class Checks:
    """The bot's check runs."""

    def __init__(self, client: Client, identity: Identity, clock: Clock) -> None:
        self._client = client
        self._identity = identity
        self._clock = clock

    async def create(self, repo: Repo, check: Check, *, in_doubt: bool) -> int:
        """Create a check run with all its annotations; returns its id.

        Where the answer was lost, the run that was just started with the same `external_id` is looked for
        before a second attempt; where an earlier call is in doubt, one of any age is. GitHub adds annotations to
        those that are there, in the order in which they came: what is found is given only those that it lacks.
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
        since = None if in_doubt else self._clock.now() - SKEW
        look = self._look(repo, check, since) if check.external_id else None
        answer = await self._client.ask(repo, call, look=look, in_doubt=in_doubt)
        found = answer.data if isinstance(answer.data, CheckRun) else None
        check_id = parse(Identified, answer.data, call.doing).id
        there = len(first) if found is None else found.output.annotations_count
        for portion in in_portions(check.annotations[there:]):
            if portion:
                await self._patch(repo, check_id, check, portion, there=there)
                there += len(portion)
        return check_id

    async def update(self, repo: Repo, check_id: int, check: Check) -> None:
        """Update a check run, which has the annotations that it was created with."""
        await self._patch(repo, check_id, check, ())

    async def _patch(
        self, repo: Repo, check_id: int, check: Check, portion: tuple[Annotation, ...], *, there: int = 0
    ) -> None:
        """Update a check run; where the answer was lost, more than the annotations that were `there` tell that it came."""
        call = Call(
            doing=f"updating the check {check.name} on {repo.full_name}",
            method="PATCH",
            route="/repos/{owner}/{repo}/check-runs/{check_id}",
            variables={**names(repo), "check_id": check_id},
            body=content(check, portion),
            write=RECORD,
            # A portion of annotations is no state: later calls add to it.
            is_state=not portion,
        )
        read = Call(
            doing=f"looking at the check {check.name} on {repo.full_name}",
            route=call.route,
            variables=call.variables,
        )

        async def look() -> Answer | None:
            answer = await self._client.ask(repo, read)
            run = parse(CheckRun, answer.data, read.doing)
            return answer if run.output.annotations_count > there else None

        await self._client.ask(repo, call, look=look if portion else None)

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
    """Return the body that creating and updating share."""
    state = (
        {"status": "in_progress"}
        if check.conclusion is None
        else {"status": "completed", "conclusion": check.conclusion}
    )
    body: dict[str, Any] = {
        "name": check.name,
        **state,
        "output": {
            "title": check.title[:_TITLE_LIMIT],
            "summary": cut(check.summary, SUMMARY_LIMIT),
            "annotations": [_annotation(each) for each in annotations],
        },
        "actions": [_button(each) for each in check.buttons[:_BUTTONS]],
    }
    optional = {"details_url": check.details_url, "external_id": check.external_id}
    return body | {name: value for name, value in optional.items() if value}


def cut(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters, cut at the end of a line, with a note where it was cut."""
    if len(text) <= limit:
        return text
    head = text[: limit - len(_CUT)]
    return (head.rpartition("\n")[0] or head) + _CUT


def in_portions(annotations: tuple[Annotation, ...]) -> list[tuple[Annotation, ...]]:
    """Return what one request each may carry; at least one portion, which may be empty."""
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
