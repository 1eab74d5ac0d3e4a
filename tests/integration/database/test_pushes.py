"""Who pushed and who reviewed which commit, as it is recorded, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot.adapters.database import Database
from bot.domain.core.model import DeliveryId, Sha
from bot.domain.gates.approvals import Review
from bot.domain.gates.pushes import NO_COMMIT, Push
from bot.ports import Delivery
from tests.fakes.accounts import account
from tests.fakes.records.rows import HEAD, NOW
from tests.integration.conftest import Inspector

REPO = "acme/infra"
CHANGE, OTHER = "refs/heads/change", "refs/heads/other"
NEXT = Sha("c" * 40)


def a_push(sender: str = "dev", *, after: Sha = HEAD, ref: str = CHANGE, at: datetime = NOW) -> Push:
    return Push(ref=ref, before=NO_COMMIT, after=after, sender=account(sender), at=at)


async def add(records: Database, *pushes: Push, repo: str = REPO) -> None:
    async with records.write() as writer:
        for push in pushes:
            await writer.add_push(repo, push, source="push")


async def test_push_reported_again_is_one_as_of_the_first_time(records: Database) -> None:
    later = replace(a_push(), at=NOW + timedelta(seconds=1))
    await add(records, later, a_push(), later, a_push("owner"))

    async with records.read() as reader:
        found = await reader.pushes(REPO, ref=CHANGE, commits=[])

    assert {(each.sender, each.at) for each in found} == {(account("dev"), NOW), (account("owner"), NOW)}


async def test_pushes_of_branch_and_of_its_commits_elsewhere_are_found(records: Database) -> None:
    bot = a_push("renovate[bot]", ref=OTHER)
    await add(records, a_push(), bot, a_push("owner", after=NEXT, ref=OTHER))
    await add(records, a_push("admin"), repo="acme/other")

    async with records.read() as reader:
        found = await reader.pushes(REPO, ref=CHANGE, commits=[HEAD])

    assert sorted(found, key=lambda each: each.ref) == [a_push(), bot]
    assert [each.sender.is_bot for each in found if each.ref == OTHER] == [True]


async def test_heads_of_a_pull_request_keep_those_of_older_versions(records: Database) -> None:
    async with records.write() as writer:
        await writer.see_head(REPO, 7, HEAD)
        await writer.see_head(REPO, 7, HEAD)
        await writer.select(REPO, 7, NEXT)
        await writer.see_head(REPO, 8, NEXT)

    async with records.read() as reader:
        assert await reader.seen_heads(REPO, 7) == {HEAD, NEXT}
        assert await reader.is_selected(REPO, 7, NEXT)


async def test_a_review_keeps_the_commit_of_its_first_report(records: Database) -> None:
    review = Review(id=2**40, user=account("owner"), state="APPROVED", commit_id=HEAD, submitted_at=NOW)
    async with records.write() as writer:
        await writer.add_review(REPO, 7, review)
        await writer.add_review(REPO, 7, replace(review, commit_id=NEXT))

    async with records.read() as reader:
        assert await reader.submitted_reviews(REPO, 7) == [review]
        assert await reader.submitted_reviews(REPO, 8) == []


async def test_when_the_activity_was_read_is_remembered_for_each_head(records: Database) -> None:
    later = NOW + timedelta(minutes=1)
    async with records.write() as writer:
        await writer.read_activity(REPO, [HEAD, NEXT], NOW)
        await writer.read_activity(REPO, [NEXT], later)

    async with records.read() as reader:
        assert await reader.activity_reads(REPO, [HEAD, NEXT, Sha("d" * 40)]) == {HEAD: NOW, NEXT: later}


async def test_old_pushes_go_except_those_of_open_pull_requests(records: Database) -> None:
    # Given old pushes to the branch of an open pull request, of a closed one, and of none, and a new push,
    gone, none = a_push(ref="refs/heads/gone", after=NEXT), a_push(ref="refs/heads/none", after=Sha("d" * 40))
    first = a_push(after=Sha("e" * 40))
    fresh = a_push(ref=OTHER, at=NOW + timedelta(days=1), after=Sha("f" * 40))
    await add(records, a_push(), first, gone, none, fresh)
    async with records.write() as writer:
        await writer.see_head(REPO, 7, HEAD)
        await writer.see_head(REPO, 8, NEXT)
        for number, (pull, action) in enumerate([(7, "closed"), (7, "reopened"), (8, "closed")]):
            await writer.add_delivery(a_delivery(f"d{number}", pull, action))
        await writer.add_delivery(replace(a_delivery("of nothing", 9, "closed"), repo=None, pull=None))
        # when they are pruned,
        assert await writer.prune_pushes(NOW + timedelta(hours=1), limit=10) == 2
        assert await writer.prune_pushes(NOW + timedelta(hours=1), limit=10) == 0

    # then those of the open pull request are left, also of before it was opened, and the new one.
    async with records.read() as reader:
        kept = [await reader.pushes(REPO, ref=each.ref, commits=[]) for each in (first, gone, none, fresh)]
    assert [len(each) for each in kept] == [2, 0, 0, 1]


async def test_what_an_older_version_recorded_is_read(records: Database, inspector: Inspector) -> None:
    inspector.execute(f"INSERT INTO pushers VALUES ('{REPO}', 7, 'dev')")  # noqa: S608 -- Ours.
    inspector.execute(
        f"INSERT INTO pushes (repo, pull, head_sha, told) VALUES ('{REPO}', 7, '{HEAD}', FALSE)"  # noqa: S608 -- Ours.
    )

    async with records.read() as reader:
        assert await reader.pushers(REPO, 7) == {"dev"}
        assert await reader.seen_heads(REPO, 7) == {HEAD}
        assert await reader.pushes(REPO, ref=CHANGE, commits=[HEAD]) == []


def a_delivery(name: str, pull: int, action: str) -> Delivery:
    return Delivery(
        id=DeliveryId(name),
        event="pull_request",
        action=action,
        repo=REPO,
        pull=pull,
        payload=b"{}",
        received_at=NOW,
    )
