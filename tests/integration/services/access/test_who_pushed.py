"""What deliveries and GitHub's activity say of who pushed, as a gate reads it, on both databases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.domain.core.errors import GitHubError, GitHubUnavailableError
from bot.domain.core.model import DeliveryId, Login, PullRequest, Repo, Sha
from bot.domain.gates.pushes import NO_COMMIT, Lineage, Push
from bot.events import payload_of
from bot.ports import Delivery, GitHub
from bot.ports.pushers import ActivityPage
from bot.services.access.pushes import PushHistory, PushRecords
from tests.fakes.accounts import account
from tests.fakes.records import builders
from tests.fakes.records.rows import BASE, HEAD, NOW

REPO = Repo(owner="acme", name="infra", installation_id=1)
PULL = builders.pull(head_sha=HEAD, head_repo=REPO.full_name)
FORKED = replace(PULL, head_repo="eve/infra", is_fork=True)
REF = f"refs/heads/{PULL.head_ref}"
OLD = Sha("c" * 40)


@dataclass
class Site:
    """A repository with one commit under review, what GitHub remembers of its pushes, and a clock."""

    records: Database
    moves: list[Push] = field(default_factory=list)
    older: list[Push] = field(default_factory=list)
    """The second page of its activity."""
    refusal: GitHubError | None = None
    asked: list[str] = field(default_factory=list)
    moment: datetime = NOW

    def now(self) -> datetime:
        return self.moment

    async def own_login(self) -> Login:
        return Login("gatewright[bot]")

    async def activity(self, repo: Repo, ref: str, *, cursor: str | None = None) -> ActivityPage:
        del repo
        self.asked.append(ref)
        if self.refusal is not None:
            raise self.refusal
        if cursor is not None:
            return ActivityPage(pushes=self.older, cursor=None)
        return ActivityPage(pushes=self.moves, cursor="2" if self.older else None)

    async def lineage(self, repo: Repo, *, base: Sha, head: Sha, heads: Sequence[Sha]) -> Lineage:
        del repo, heads
        return Lineage(head=head, parents={head: (base,)}, clean_merges={})

    @property
    def pushes(self) -> PushRecords:
        return PushRecords(records=self.records, github=cast("GitHub", self), history=self, clock=self)

    async def hear(self, event: str, action: str | None = None, **body: Any) -> None:
        """Take in a delivery with the parts that matter here."""
        whole = {"action": action, "sender": sender("dev"), **body}
        raw = json.dumps({key: value for key, value in whole.items() if value is not None}).encode()
        delivery = Delivery(
            id=DeliveryId(f"{event}-{len(self.asked)}"),
            event=event,
            action=action,
            repo=REPO.full_name,
            pull=None if event == "push" else PULL.number,
            payload=raw,
            received_at=NOW,
        )
        payload = payload_of(event, raw)
        await self.pushes.record(delivery, payload)
        await self.pushes.record_review(delivery, payload)

    async def pushed(self, pull: PullRequest = PULL, *, trusted: Sequence[str] = ()) -> PushHistory:
        return await self.pushes.of(REPO, pull, base=BASE, head=HEAD, trusted=trusted)


def sender(login: str) -> dict[str, Any]:
    who = account(login)
    return {"login": login, "id": who.id, "type": "Bot" if who.is_bot else "User"}


def pull_part(*, head_repo: str = REPO.full_name) -> dict[str, Any]:
    repo = {"id": 1, "full_name": head_repo}
    return {
        "number": PULL.number,
        "title": "Change",
        "state": "open",
        "user": sender("dev"),
        "head": {"ref": PULL.head_ref, "sha": HEAD, "repo": repo},
        "base": {"ref": "main", "sha": BASE},
    }


def move(by: str, *, after: Sha = HEAD, minutes: int = -1) -> Push:
    at = NOW + timedelta(minutes=minutes)
    return Push(ref=REF, before=NO_COMMIT, after=after, sender=account(by), at=at)


@pytest.fixture
def site(records: Database) -> Site:
    return Site(records)


async def test_a_push_is_known_by_its_delivery_without_a_request(site: Site) -> None:
    await site.hear("push", ref=REF, before=NO_COMMIT, after=HEAD, created=True)

    found = await site.pushed()

    assert (found.pushed.pushers, found.pushed.unknown) == ((account("dev"),), ())
    assert found.pushed.last_at == NOW
    assert site.asked == []


@pytest.mark.parametrize(
    "body",
    [
        {"ref": "refs/tags/v1", "before": NO_COMMIT, "after": HEAD},
        {"ref": REF, "before": HEAD, "after": NO_COMMIT, "deleted": True},
    ],
    ids=["a tag", "a deletion"],
)
async def test_what_moves_no_branch_makes_nobody_a_pusher(site: Site, body: dict[str, Any]) -> None:
    await site.hear("push", **body)

    assert (await site.pushed()).pushed.pushers == ()


async def test_who_opened_pull_request_is_not_taken_for_its_pusher(site: Site) -> None:
    await site.hear("pull_request", "opened", pull_request=pull_part())

    found = await site.pushed()

    assert [each.sha for each in found.pushed.unknown] == [HEAD]


async def test_new_commits_make_both_heads_known_to_be_its_own(site: Site) -> None:
    await site.hear("pull_request", "synchronize", pull_request=pull_part(), before=OLD, after=HEAD)

    found = await site.pushed()

    assert found.pushed.pushers == (account("dev"),)
    assert [each.sha for each in found.pushed.unknown] == [OLD]


async def test_push_to_fork_is_known_by_the_pull_requests_event(site: Site) -> None:
    part = pull_part(head_repo="eve/infra")
    await site.hear("pull_request", "synchronize", pull_request=part, before=HEAD, after=HEAD)

    assert (await site.pushed(FORKED)).pushed.unknown == ()


async def test_head_of_fork_is_not_looked_for_in_this_repository(site: Site) -> None:
    await site.hear("push", ref=REF, before=NO_COMMIT, after=HEAD)
    await site.hear("pull_request", "opened", pull_request=pull_part(head_repo="eve/infra"))

    [unknown] = (await site.pushed(FORKED)).pushed.unknown

    assert (unknown.sha, unknown.in_fork, site.asked) == (HEAD, True, [])


async def test_what_no_delivery_reported_is_asked_for_once(site: Site) -> None:
    site.moves = [move("owner"), move("dev", after=OLD)]

    for _ in range(2):
        found = await site.pushed()
        assert (found.pushed.pushers, found.pushed.unknown) == ((account("owner"),), ())
    assert site.asked == [REF]


async def test_head_unknown_to_github_is_asked_for_again_later(site: Site) -> None:
    for _ in range(2):
        assert [each.sha for each in (await site.pushed()).pushed.unknown] == [HEAD]
    assert len(site.asked) == 1
    # When GitHub knows it some minutes later, then it is found.
    site.moves = [move("owner")]
    site.moment += timedelta(minutes=11)
    assert (await site.pushed()).pushed.unknown == ()


async def test_last_move_of_a_branch_is_read_despite_known_heads(site: Site) -> None:
    # Given a head that was pushed, replaced and pushed back, and no delivery of the last two moves,
    await site.hear("push", ref=REF, before=NO_COMMIT, after=HEAD)
    site.moves = [
        replace(move("dev", minutes=9), before=OLD),
        replace(move("dev", after=OLD, minutes=8), before=HEAD),
        move("dev", minutes=0),
    ]

    found = await site.pushed()

    # then the head is known, and a review is compared with the last of the moves.
    assert (found.pushed.unknown, site.asked) == ((), [])
    assert await site.pushes.last_moved(REPO, PULL, found) == NOW + timedelta(minutes=9)


@pytest.mark.parametrize("pull", [PULL, FORKED], ids=["no activity", "a fork"])
async def test_without_the_activity_the_newest_head_dates_the_last_move(
    site: Site, pull: PullRequest
) -> None:
    # Given a branch that was moved back and forth between two heads, the same way twice,
    site.refusal = GitHubError("reading the activity: refused", status=403)
    part = pull_part(head_repo=pull.head_repo or "")
    for before, after in ((OLD, HEAD), (HEAD, OLD), (OLD, HEAD)):
        await site.hear("pull_request", "synchronize", pull_request=part, before=before, after=after)
    async with site.records.write() as writer:
        for minute, head in enumerate((OLD, HEAD, OLD, HEAD)):
            await writer.record_head(REPO.full_name, PULL.number, head, NOW + timedelta(minutes=minute))

    assert await site.pushes.last_moved(REPO, pull, await site.pushed(pull)) == NOW + timedelta(minutes=3)


async def test_a_first_head_says_nothing_of_when_it_was_pushed(site: Site) -> None:
    # An upgrade finds the heads of open pull requests long after their reviews.
    site.moves = [move("dev", minutes=-60)]
    async with site.records.write() as writer:
        await writer.record_head(REPO.full_name, PULL.number, HEAD, NOW)

    assert await site.pushes.last_moved(REPO, PULL, await site.pushed()) == NOW - timedelta(minutes=60)


async def test_a_head_that_only_github_showed_must_be_known_too(site: Site) -> None:
    # Given a head that no delivery reported, and a later one that was pushed over it,
    async with site.records.write() as writer:
        await writer.record_head(REPO.full_name, PULL.number, OLD, NOW)
    await site.hear("push", ref=REF, before=OLD, after=HEAD)
    # then whoever pushed the first is looked for.
    assert [each.sha for each in (await site.pushed()).pushed.unknown] == [OLD]
    assert site.asked == [REF]


async def test_every_page_of_the_activity_is_read(site: Site) -> None:
    # Given a head to which the branch was moved back, more than a page of moves after its first push,
    site.moves = [move("dev", minutes=-1)]
    site.older = [replace(move("dev", after=OLD, minutes=-8), before=HEAD), move("owner", minutes=-9)]

    found = await site.pushed()

    assert set(found.pushed.pushers) == {account("dev"), account("owner")}
    assert found.pushed.unknown == ()


@pytest.mark.parametrize("status", [403, 404])
async def test_activity_that_may_not_be_read_leaves_the_head_unknown(site: Site, status: int) -> None:
    site.refusal = GitHubError("reading the activity: refused", status=status)

    assert [each.sha for each in (await site.pushed()).pushed.unknown] == [HEAD]


async def test_an_activity_that_cannot_be_read_now_is_a_failure(site: Site) -> None:
    site.refusal = GitHubUnavailableError("reading the activity: too many requests", status=403)

    with pytest.raises(GitHubUnavailableError):
        await site.pushed()


@pytest.mark.parametrize(
    ("by", "trusted", "known"),
    [
        ("renovate[bot]", [], False),
        ("renovate[bot]", ["Renovate[bot]"], True),
        ("other[bot]", ["renovate[bot]"], False),
        ("gatewright[bot]", [], True),
    ],
)
async def test_bots_are_known_by_policy_or_are_the_app_itself(
    site: Site,
    by: str,
    trusted: list[str],
    known: bool,  # noqa: FBT001
) -> None:
    await site.hear("push", ref=REF, before=NO_COMMIT, after=HEAD, sender=sender(by))

    assert ((await site.pushed(trusted=trusted)).pushed.unknown == ()) is known


@pytest.mark.parametrize(
    ("action", "state", "kept"),
    [
        ("submitted", "approved", True),
        ("submitted", "changes_requested", True),
        ("submitted", "commented", False),
        ("edited", "approved", False),
        ("dismissed", "dismissed", False),
    ],
)
async def test_opinion_is_kept_with_its_commit_when_it_is_submitted(
    site: Site,
    action: str,
    state: str,
    kept: bool,  # noqa: FBT001
) -> None:
    review = {
        "id": 2**33,
        "state": state,
        "user": sender("owner"),
        "commit_id": OLD,
        "submitted_at": "2026-03-04T12:00:00Z",
    }
    await site.hear("pull_request_review", action, pull_request=pull_part(), review=review)

    async with site.records.read() as reader:
        found = await reader.submitted_reviews(REPO.full_name, PULL.number)
    assert [(each.id, each.user, each.commit_id) for each in found] == (
        [(2**33, account("owner"), OLD)] if kept else []
    )
