from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.core.accounts import Login
from bot.domain.core.model import PlanId, Sha
from bot.domain.gates.approval_sentences import approved_sentence, missing_sentence, what_opens
from bot.domain.gates.approvals import (
    Required,
    Review,
    Rights,
    SubmittedReviews,
    Verdict,
    candidates,
    counts_for,
    decide,
    required_paths,
    tally_reviews,
)
from bot.domain.gates.codeowners import parse
from bot.domain.plans.plan import PlanRecord
from tests.fakes.accounts import account, unnumbered
from tests.fakes.records import builders
from tests.fakes.records.builders import HEAD, NOON

PLAN = builders.plan()
OVERRIDE = "/override staging codeowners REASON"
LATER = NOON + timedelta(minutes=1)
OLD = Sha("1" * 40)
renamed = replace(account("owner"), login=Login("owner-of-old"))


def review(user: str = "owner", state: str = "APPROVED", **changes: Any) -> Review:
    made = Review(id=1, user=account(user), state=state, commit_id=HEAD, submitted_at=LATER)
    return replace(made, **changes)


def plan(name: str, digest: str, minute: int | None) -> PlanRecord:
    """Return a plan that does `digest` and was posted that many minutes after noon."""
    posted = None if minute is None else NOON + timedelta(minutes=minute)
    return builders.plan(id=PlanId(name), change_digest=digest * 64, posted_at=posted)


def submitted(*reviews: Review, **changes: Any) -> SubmittedReviews:
    made = SubmittedReviews(
        reviews=reviews,
        reported={each.id: each.commit_id for each in reviews if each.commit_id is not None},
        author=account("dev"),
        pushers=(account("dev"),),
        heads=frozenset({HEAD}),
        last_push_at=None,
        plan=PLAN,
        plans=(PLAN,),
    )
    return replace(made, **changes)


def needed(**paths: str) -> tuple[Required, ...]:
    """Return required paths from `a="@x @y"`."""
    return tuple(
        Required(path=path, owners=parse(f"* {owners}").owners("x")) for path, owners in paths.items()
    )


def rights(*writers: str, members: Mapping[str, Sequence[str]] | None = None, **writes: bool) -> Rights:
    teams = {team: frozenset(logins) for team, logins in (members or {}).items()}
    return Rights(writes={**dict.fromkeys(writers, True), **writes}, members=teams)


def verdict(
    required: Sequence[Required], facts: SubmittedReviews, held: Rights | None = None, **changes: Any
) -> Verdict:
    return decide(required, tally_reviews(facts), held or rights("owner", "owner2", "dev"), **changes)


def test_owners_approval_of_the_head_after_the_plan_is_enough() -> None:
    found = verdict(needed(a="@Owner @other", b="@owner"), submitted(review("owner")))

    assert found.missing == ()
    assert [path.approved_by for path in found.paths] == [account("owner"), account("owner")]
    assert approved_sentence(found) == "Approved by @owner."


def test_who_took_the_login_of_a_pusher_may_approve() -> None:
    found = verdict(needed(a="@owner"), submitted(review(), pushers=frozenset({account("owner", 1)})))

    assert found.missing == ()


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (submitted(), ""),
        (submitted(review(state="CHANGES_REQUESTED")), "@owner asks for changes."),
        (submitted(review(state="DISMISSED")), "@owner gave a review that was dismissed."),
        (submitted(review(state="COMMENTED")), ""),
        (submitted(review(state="PENDING")), ""),
        (submitted(review(commit_id=OLD)), "@owner approved an older commit."),
        (submitted(review(commit_id=None)), "@owner approved before the last push"),
        (submitted(review(commit_id=None), last_push_at=NOON), "@owner approved an older commit."),
        (submitted(review(), author=account("Owner")), "@owner opened this pull request"),
        (submitted(review(), author=unnumbered("OWNER")), "@owner opened this pull request"),
        (submitted(review(), pushers=(account("OWNER"),)), "@owner pushed to this pull request"),
        (submitted(review(), pushers=(renamed,)), "@owner pushed to this pull request"),
        (submitted(review(), pushers=(unnumbered("owner"),)), "@owner pushed to this pull request"),
        (submitted(review(), reported={1: OLD}, last_push_at=NOON), "@owner approved an older commit."),
        (submitted(review(), reported={}), "@owner approved before the last push, and GitHub did not report"),
        (submitted(review(), reported={}, last_push_at=LATER), "@owner approved before the last push"),
        (submitted(review(submitted_at=PLAN.posted_at)), "@owner has not approved since plan pabcdefg"),
        (submitted(review(submitted_at=NOON)), "@owner has not approved since plan pabcdefg"),
        (submitted(review(), plans=()), "@owner has not approved since plan pabcdefg"),
    ],
    ids=[
        "nobody",
        "changes requested",
        "dismissed",
        "only a remark",
        "a draft",
        "an older commit",
        "a commit that nobody knows",
        "a commit that is gone",
        "the author",
        "the author of an older record",
        "a pusher",
        "a pusher who was renamed since",
        "a pusher of an older record",
        "a commit to which GitHub has moved it",
        "no delivery, and nobody knows the last push",
        "no delivery, and in the second of the last push",
        "the very second of the plan's comment",
        "before the plan's comment",
        "a plan that is not on record",
    ],
)
def test_what_is_no_approval_of_this_plan(facts: SubmittedReviews, says: str) -> None:
    found = verdict(needed(a="@owner @other"), facts)

    assert [path.path for path in found.missing] == ["a"]
    assert says in missing_sentence(found)


@pytest.mark.parametrize(
    "facts",
    [
        submitted(review(), reported={}, last_push_at=NOON),
        submitted(review(commit_id=OLD), reported={1: HEAD}),
        submitted(review(commit_id=OLD), heads=frozenset({HEAD, OLD})),
        submitted(review(), pushers=(replace(account("other"), login=Login("owner")),)),
        submitted(review(), author=replace(account("other"), login=Login("owner"))),
    ],
    ids=[
        "no delivery, and after the last push",
        "a commit from which GitHub has moved it",
        "the head before a clean merge of the base",
        "a pusher whose old name the owner has now",
        "an author whose old name the owner has now",
    ],
)
def test_what_is_an_approval_of_this_plan(facts: SubmittedReviews) -> None:
    assert verdict(needed(a="@owner"), facts).missing == ()


def test_a_renamed_reviewer_has_one_last_opinion() -> None:
    before = review(user="owner-of-old", id=1)
    before = replace(before, user=renamed)
    after = review(id=2, state="CHANGES_REQUESTED", submitted_at=LATER + timedelta(minutes=1))

    assert verdict(needed(a="@owner @owner-of-old"), submitted(before, after)).missing != ()


def test_a_team_without_write_access_owns_nothing() -> None:
    team = rights("owner", members={"acme/platform": ["owner"]})

    found = verdict(
        needed(a="@acme/platform"),
        submitted(review()),
        replace(team, without_access=frozenset({"acme/platform"})),
    )

    assert [path.path for path in found.missing] == ["a"]
    assert "The team @acme/platform has no write access to this repository" in missing_sentence(found)
    assert found.ask == ()
    assert [path.path for path in found.unapprovable] == ["a"]


@pytest.mark.parametrize(
    ("states", "approved"),
    [
        (["APPROVED", "COMMENTED"], True),
        (["CHANGES_REQUESTED", "APPROVED"], True),
        (["DISMISSED", "APPROVED"], True),
        (["APPROVED", "CHANGES_REQUESTED"], False),
        (["APPROVED", "DISMISSED"], False),
        (["APPROVED", "CHANGES_REQUESTED", "COMMENTED"], False),
    ],
)
def test_the_last_opinion_counts_and_remarks_change_none(states: list[str], approved: bool) -> None:  # noqa: FBT001
    given = [
        review(state=state, id=number, submitted_at=LATER + timedelta(minutes=number))
        for number, state in enumerate(states)
    ]

    # The order in which GitHub lists them does not matter.
    for reviews in (given, given[::-1]):
        assert (verdict(needed(a="@owner"), submitted(*reviews)).missing == ()) is approved


def test_of_two_reviews_of_one_second_the_later_id_counts() -> None:
    facts = submitted(review(id=2, state="CHANGES_REQUESTED"), review(id=1))

    assert verdict(needed(a="@owner"), facts).missing != ()


@pytest.mark.parametrize(
    ("plans", "reviewed_at", "counts"),
    [
        ([plan("p1", "x", 0)], 1, True),
        ([plan("p2", "x", 5), plan("p1", "x", 0)], 1, True),
        ([plan("p2", "x", None), plan("p1", "x", 0)], 1, True),
        ([plan("p2", "x", 5), plan("p1", "y", 0)], 1, False),
        ([plan("p2", "x", 5), plan("p1", "y", 0)], 6, True),
        ([plan("p3", "x", 9), plan("p2", "y", 5), plan("p1", "x", 0)], 1, False),
        ([plan("p3", "x", 9), plan("p2", "y", None), plan("p1", "x", 0)], 1, False),
        ([plan("p1", "x", None)], 1, False),
        ([], 1, False),
    ],
    ids=[
        "after the plan",
        "planned again with the same changes",
        "planned again, not posted yet",
        "another plan came after the review",
        "after the other plan",
        "voided by a plan in between",
        "voided by one that was never posted",
        "while planning",
        "no plan at all",
    ],
)
def test_a_review_is_about_what_the_plan_before_it_does(
    plans: list[PlanRecord],
    reviewed_at: int,
    counts: bool,  # noqa: FBT001
) -> None:
    current = plans[0] if plans else plan("p1", "x", 0)

    assert counts_for(NOON + timedelta(minutes=reviewed_at), current, plans) is counts


def test_approval_of_a_newer_plan_is_none_of_an_older() -> None:
    older, newer = plan("p1", "x", 0), plan("p2", "y", 5)

    assert not counts_for(NOON + timedelta(minutes=6), older, [newer, older])


@pytest.mark.parametrize("held", [rights(owner=False), rights()], ids=["reader", "unknown"])
def test_an_owner_without_write_access_does_not_count(held: Rights) -> None:
    found = verdict(needed(a="@owner"), submitted(review()), held)

    assert [path.path for path in found.missing] == ["a"]
    assert "@owner approved without write access." in missing_sentence(found)


def test_member_of_owning_team_counts_and_another_writer_does_not() -> None:
    teams = {"acme/platform": ["owner"]}
    required = needed(a="@Acme/Platform")

    member = verdict(required, submitted(review("owner")), rights("owner", members=teams))
    stranger = verdict(required, submitted(review("owner2")), rights("owner2", members=teams))

    assert member.missing == ()
    assert [path.path for path in stranger.missing] == ["a"]


def test_a_user_named_as_a_team_is_not_that_team() -> None:
    found = verdict(needed(a="@acme/platform"), submitted(review("acme/platform")), rights("acme/platform"))

    assert found.missing != ()


def test_an_address_is_nobody() -> None:
    found = verdict(needed(a="owner@example.com"), submitted(review()))

    assert [path.path for path in found.missing] == ["a"]
    assert found.ask == ()
    assert "whose account GitHub does not tell" in missing_sentence(found)
    assert what_opens(found, override=OVERRIDE).startswith(
        "another owner of `a` in .github/CODEOWNERS on the default branch"
    )


def test_path_that_must_have_owner_and_has_none_is_missing() -> None:
    found = verdict(needed(a="", b="@owner"), submitted(review()))

    assert missing_sentence(found) == "`a` has no owner."
    assert what_opens(found, override=OVERRIDE).startswith("another owner of `a` in .github/CODEOWNERS")


def test_what_opens_the_gate_is_all_that_is_needed() -> None:
    found = verdict(needed(a="@x", b="@dev", c="@y"), submitted())

    assert what_opens(found, override=OVERRIDE) == (
        "approval from @x and @y and another owner of `b` in .github/CODEOWNERS on the default branch,"
        " and their approval"
    )


def test_each_missing_path_is_named_with_its_possible_approvers() -> None:
    required = needed(a="@x", b="@x", c="@y @z", d="@owner")

    found = verdict(required, submitted(review()))

    assert missing_sentence(found) == "Needs a code owner's approval: @x (`a` and `b`), @y or @z (`c`)."
    assert [path.path for path in found.paths if path.approved_by] == ["d"]


def test_very_many_missing_paths_stay_a_sentence() -> None:
    required = needed(**{f"p{number}": f"@o{number}" for number in range(500)}, q="@o1", r="@o1")

    sentence = missing_sentence(verdict(required, submitted()))

    assert sentence.endswith("496 more paths are not approved.")
    assert len(sentence) < 400


@pytest.mark.parametrize(
    ("required", "asked"),
    [
        (needed(a="@x @y", b="@y @z"), ["@y"]),
        (needed(a="@x", b="@y"), ["@x", "@y"]),
        (needed(a="@x @y"), ["@x"]),
        (needed(a="@dev @y"), ["@y"]),
        (needed(a="@dev"), []),
        (needed(a="@reader @y"), ["@y"]),
        (needed(a="@acme/team @y", b="@acme/team"), ["@acme/team"]),
        (needed(a="b@example.com @y"), ["@y"]),
    ],
    ids=[
        "one for both",
        "two",
        "the first named",
        "not the author",
        "nobody but the author",
        "nobody who may only read",
        "a team",
        "no address",
    ],
)
def test_few_people_are_asked_and_none_in_vain(required: tuple[Required, ...], asked: list[str]) -> None:
    found = verdict(required, submitted(), rights("x", "y", "z", reader=False))

    assert [owner.written for owner in found.ask] == asked


def test_only_users_who_could_approve_are_asked_for_their_rights() -> None:
    required = needed(a="@x @dev @acme/team c@example.com", b="@X @y")

    assert [login.lower() for login in candidates(required, tally_reviews(submitted()))] == ["x", "y"]


def test_skipped_lines_of_the_file_are_told_with_the_refusal() -> None:
    problems = parse("!a @x\n").problems

    found = verdict(needed(a="@x"), submitted(), problems=problems)

    assert "CODEOWNERS line 1: skipped: " in missing_sentence(found)


@pytest.mark.parametrize(
    ("file", "paths"),
    [
        ("* @all", {"terraform/": "@all", "envs/staging.tfvars": "@all", "README.md": "@all"}),
        ("/terraform/ @t", {"terraform/": "@t", "envs/staging.tfvars": ""}),
        ("/terraform/** @t", {"terraform/": "@t", "envs/staging.tfvars": ""}),
        ("/terraform/* @t", {"terraform/": "@t", "envs/staging.tfvars": ""}),
        ("/terraform @t", {"terraform/": "@t", "envs/staging.tfvars": ""}),
        ("*.tf @t", {"terraform/": "@t", "envs/staging.tfvars": ""}),
        ("/terraform/main.tf @t", {"terraform/": "", "envs/staging.tfvars": ""}),
        ("", {"terraform/": "", "envs/staging.tfvars": ""}),
        (
            "/envs/ @e\nREADME.md @r",
            {"terraform/": "", "envs/staging.tfvars": "@e", "README.md": "@r"},
        ),
    ],
)
def test_only_directory_and_var_file_need_an_owner(file: str, paths: dict[str, str]) -> None:
    required = required_paths(parse(file), builders.stack(), ["README.md", "envs/staging.tfvars"])

    assert {each.path: " ".join(owner.written for owner in each.owners) for each in required} == paths


def test_stack_at_the_root_needs_the_owner_of_the_root() -> None:
    required = required_paths(parse("/*.tf @t"), builders.stack(directory=".", var_file=None), [])

    assert [(each.path, each.owners[0].written) for each in required] == [("./", "@t")]
