"""A handler never acts on an answer of GitHub that is older than the delivery which it handles."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.context import Bot
from bot.domain.core.errors import CommitMissingError, GitHubError, GitHubLagError, GitHubNotFoundError
from bot.domain.core.heads import LAG
from bot.domain.core.model import DeliveryId, PullRequest, Repo, Sha
from bot.events import Payload, payload_of
from bot.ports import Delivery
from handlers import newest
from handlers.github_lag import is_behind
from tests.fakes.records import builders
from tests.fakes.records.builders import NOON

REPO = Repo(owner="acme", name="infra", installation_id=1)
OTHER = Sha("9" * 40)


@dataclass
class GitHub:
    """Answers with one pull request, or not at all."""

    answer: PullRequest | GitHubError

    async def subject(self, *_: object) -> tuple[Repo, PullRequest]:
        if isinstance(self.answer, GitHubError):
            raise self.answer
        return REPO, self.answer


def a_bot(answer: PullRequest | GitHubError, *, now: datetime) -> Bot:
    parts = SimpleNamespace(github=GitHub(answer), clock=SimpleNamespace(now=lambda: now))
    return cast("Bot", parts)


def a_delivery(action: str) -> Delivery:
    return Delivery(
        id=DeliveryId("guid"),
        event="pull_request",
        action=action,
        repo=REPO.full_name,
        pull=7,
        payload=b"",
        received_at=NOON,
    )


def a_payload(action: str, *, base: str = "main", **more: Any) -> Payload:
    ends = {"head": {"ref": "change", "sha": builders.HEAD}, "base": {"ref": base, "sha": builders.BASE}}
    pull = {"number": 7, "title": "A change", "state": "open", "user": None, **ends}
    return payload_of("pull_request", json.dumps({"action": action, "pull_request": pull, **more}).encode())


BASE_CHANGED = {"changes": {"base": {"ref": {"from": "main"}}}}
OLDER = [
    pytest.param(a_payload("closed"), builders.pull(), id="it is open and was closed"),
    pytest.param(a_payload("reopened"), builders.pull(state="closed"), id="closed and reopened"),
    pytest.param(a_payload("ready_for_review"), builders.pull(draft=True), id="a draft and ready"),
    pytest.param(a_payload("edited", base="next", **BASE_CHANGED), builders.pull(), id="at its old base"),
    pytest.param(a_payload("opened"), GitHubNotFoundError("no", status=404), id="not there and opened"),
]


@pytest.mark.parametrize(("payload", "answer"), OLDER)
async def test_an_answer_older_than_its_delivery_is_waited_for(
    payload: Payload, answer: PullRequest | GitHubError
) -> None:
    delivery, soon = a_delivery(str(payload.action)), NOON + LAG - timedelta(seconds=1)

    with pytest.raises(GitHubLagError) as raised:
        await newest.look(delivery, payload, a_bot(answer, now=soon))

    assert raised.value.temporary


@pytest.mark.parametrize(("payload", "answer"), OLDER[:-1])
async def test_an_answer_that_stays_is_believed(payload: Payload, answer: PullRequest) -> None:
    # It was closed and opened again, for example.
    delivery = a_delivery(str(payload.action))

    assert await newest.look(delivery, payload, a_bot(answer, now=NOON + LAG)) == (REPO, answer)


async def test_a_pull_request_that_stays_away_is_not_there() -> None:
    missing = GitHubNotFoundError("no", status=404)

    with pytest.raises(GitHubNotFoundError):
        await newest.look(a_delivery("opened"), a_payload("opened"), a_bot(missing, now=NOON + LAG))


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        pytest.param(a_payload("opened"), builders.pull(state="closed"), id="opened and closed since"),
        pytest.param(a_payload("synchronize"), builders.pull(state="closed"), id="pushed and closed since"),
        pytest.param(a_payload("edited"), builders.pull(base_ref="next"), id="another title"),
        pytest.param(a_payload("closed"), builders.pull(state="closed"), id="closed"),
    ],
)
async def test_nobody_waits_for_what_has_been_overtaken(payload: Payload, answer: PullRequest) -> None:
    found = await newest.look(a_delivery(str(payload.action)), payload, a_bot(answer, now=NOON))

    assert found == (REPO, answer)


async def test_head_in_doubt_is_awaited_until_github_shows_it() -> None:
    delivery, payload, answer = a_delivery("synchronize"), a_payload("synchronize"), builders.pull()

    with pytest.raises(GitHubLagError):
        await newest.look(delivery, payload, a_bot(answer, now=NOON), awaited=OTHER)

    shown = await newest.look(delivery, payload, a_bot(answer, now=NOON), awaited=builders.HEAD)
    late = await newest.look(delivery, payload, a_bot(answer, now=NOON + LAG), awaited=OTHER)
    assert shown == late == (REPO, answer)


def test_only_what_may_not_be_there_yet_counts_as_behind() -> None:
    assert is_behind(CommitMissingError("not our ref"))
    assert is_behind(GitHubNotFoundError("no", status=404))
    assert not is_behind(GitHubError("no", status=403))
    assert not is_behind(ValueError())
