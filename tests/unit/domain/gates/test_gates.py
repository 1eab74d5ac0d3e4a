from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.core.model import Login, PlanStatus, Sha, StateIdentity
from bot.domain.core.refusals import Reason
from bot.domain.gates import Outcome, judge, shut
from bot.domain.gates.approvals import PathVerdict, Verdict
from bot.domain.gates.codeowners import parse
from bot.domain.gates.freezes import HoldCause
from bot.domain.gates.pushes import UnknownHead
from bot.domain.gates.refusals import refusals
from tests.fakes.accounts import account
from tests.fakes.records import builders
from tests.unit.domain.gates.plan_facts import LINEAGE, facts


def test_a_current_plan_of_the_newest_commit_passes_every_gate() -> None:
    results = judge(facts())

    assert shut(results) == ()
    assert [result.gate for result in results] == [
        "config",
        "head",
        "plan_fresh",
        "state",
        "engine",
        "permission",
        "lock",
        "hold",
    ]


@pytest.mark.parametrize(
    ("changes", "gate", "reason"),
    [
        ({"pull": builders.pull(state="closed")}, "head", Reason.PULL_CLOSED),
        ({"is_base_served": False}, "head", Reason.BASE),
        ({"pull": builders.pull(head_sha=Sha("9" * 40))}, "head", Reason.HEAD_MOVED),
        ({"plan": builders.plan(status=PlanStatus.APPLIED)}, "plan_fresh", Reason.ALREADY_APPLIED),
        ({"plan": builders.plan(status=PlanStatus.STALE)}, "plan_fresh", Reason.PLAN_STALE),
        ({"plan": builders.plan(status=PlanStatus.FAILED)}, "plan_fresh", Reason.PLAN_STALE),
        ({"plan": builders.plan(status=PlanStatus.CANCELED)}, "plan_fresh", Reason.PLAN_STALE),
        ({"now": builders.NOON + timedelta(days=7)}, "plan_fresh", Reason.PLAN_EXPIRED),
        ({"state": StateIdentity(serial=5, lineage=LINEAGE, sha256="1" * 64)}, "state", Reason.STATE_MOVED),
        ({"state": StateIdentity(serial=4, lineage="other", sha256="1" * 64)}, "state", Reason.STATE_MOVED),
        ({"state": StateIdentity(serial=None, lineage=None, sha256=None)}, "state", Reason.STATE_MOVED),
        ({"engine": "terraform 1.12.0"}, "engine", Reason.ENGINE_CHANGED),
        ({"actor_may_apply": False}, "permission", Reason.PERMISSION),
        ({"lock": builders.lock(pull=8)}, "lock", Reason.LOCKED),
        ({"copied_by": builders.run()}, "lock", Reason.LOCKED),
        ({"closed_reason": "quarter's end"}, "hold", Reason.HOLD),
        ({"holds": [builders.hold()]}, "hold", Reason.HOLD),
    ],
    ids=[
        "closed pull request",
        "for a branch that is not served",
        "head moved",
        "applied before",
        "stale",
        "failed",
        "dropped",
        "expired to the second",
        "serial rose",
        "another lineage",
        "state vanished",
        "policy names another engine",
        "no right to apply",
        "held by another pull request",
        "its data is being copied",
        "closed by the calendar",
        "held by somebody",
    ],
)
def test_one_wrong_fact_shuts_exactly_its_gate(changes: dict[str, Any], gate: str, reason: Reason) -> None:
    closed = shut(judge(facts(**changes)))

    assert [(result.gate, result.reason) for result in closed] == [(gate, reason)]
    assert closed[0].opens_with


def test_a_lock_of_the_same_pull_request_is_open() -> None:
    assert shut(judge(facts(lock=builders.lock(pull=7)))) == ()


def test_every_shut_gate_is_told_at_once() -> None:
    closed = shut(
        judge(facts(pull=builders.pull(state="closed"), actor_may_apply=False, lock=builders.lock(pull=9)))
    )

    assert [result.gate for result in closed] == ["head", "permission", "lock"]


def test_a_gate_that_cannot_be_judged_stays_shut() -> None:
    closed = shut(judge(facts(required_gates=("slo",))))

    assert [(result.gate, result.outcome, result.reason) for result in closed] == [
        ("slo", Outcome.ERROR, Reason.GATE)
    ]


PUSHED = Sha("abcdef0" + "0" * 33)


def approvals(by: str | None) -> Verdict:
    owners = parse("* @owner").owners("x")
    path = PathVerdict(path="terraform/", owners=owners, approved_by=None if by is None else account(by))
    return Verdict(paths=(path,), ask=() if by else owners)


def test_an_owners_approval_opens_the_gate_of_the_code_owners() -> None:
    results = judge(facts(required_gates=("codeowners",), approvals=approvals("owner")))

    assert shut(results) == ()
    said = {result.gate: result.sentence for result in results}
    assert said["codeowners"] == "Approved by @owner."


def test_missing_approval_shuts_the_gate_and_names_who_opens_it() -> None:
    [closed] = shut(judge(facts(required_gates=("codeowners",), approvals=approvals(None))))

    assert (closed.gate, closed.outcome, closed.reason) == ("codeowners", Outcome.FAIL, Reason.CODEOWNERS)
    assert closed.sentence == "Needs a code owner's approval: @owner (`terraform/`)."
    assert closed.opens_with == "approval from @owner"


@pytest.mark.parametrize("approved", [None, Verdict(paths=())], ids=["not gathered", "about nothing"])
def test_without_approvals_to_judge_gate_of_code_owners_is_shut(approved: Verdict | None) -> None:
    [closed] = shut(judge(facts(required_gates=("codeowners",), approvals=approved)))

    assert closed.reason is Reason.CODEOWNERS


def test_unreadable_approvals_shut_the_gate_with_the_reason() -> None:
    unreadable = {"codeowners": "reading the reviews: GitHub is away"}

    [closed] = shut(judge(facts(required_gates=("codeowners",), unreadable=unreadable)))

    assert (closed.outcome, closed.reason) == (Outcome.ERROR, Reason.CODEOWNERS)
    assert "GitHub is away" in closed.sentence
    # Some things can never be read, the commits of a pull request with 250 of them for example.
    assert closed.opens_with == (
        "the same command again, once this can be read, or `/override staging codeowners REASON`"
    )


def test_code_owners_are_not_asked_where_policy_omits_them() -> None:
    assert "codeowners" not in [result.gate for result in judge(facts(approvals=approvals(None)))]


def test_command_to_plan_again_names_project_that_is_not_default() -> None:
    network = builders.plan(stack=builders.stack(project="network"), status=PlanStatus.STALE)

    closed = shut(judge(facts(plan=network, stack=network.stack)))

    assert closed[0].opens_with == "/plan staging -p network"


def test_applied_plan_says_when_by_whom_and_how_to_replan() -> None:
    applied = builders.run(actor=account("ann"), finished_at=builders.NOON)
    [closed] = shut(judge(facts(plan=builders.plan(status=PlanStatus.APPLIED), applied_by=applied)))

    assert closed.sentence == (
        "Plan pabcdefg was applied by ann on 2026-03-04 12:00 UTC, and a plan is applied once;"
        " `/plan staging` makes a new one."
    )


def test_gates_that_cannot_be_judged_are_refused_in_one_sentence() -> None:
    told = refusals(shut(judge(facts(required_gates=("slo", "codeowners", "trend")))))

    assert [refusal.reason for refusal in told] == [Reason.CODEOWNERS, Reason.GATE]
    assert told[-1].sentence.startswith("The policy asks for the gates slo and trend, which")


def test_hold_says_who_set_it_why_and_what_lifts_it() -> None:
    [closed] = shut(judge(facts(holds=[builders.hold()])))

    assert closed.sentence == (
        "staging is on hold: the database is being moved (by owner, since 2026-03-04 12:00 UTC)."
    )
    assert closed.opens_with == "/unhold staging"


def test_a_stop_of_everything_is_lifted_by_the_operator() -> None:
    stop = builders.hold(repo=None, env=None, cause=HoldCause.STOP, reason="A migration.", pull=None)

    [closed] = shut(judge(facts(holds=[stop, builders.hold()])))

    assert closed.sentence == (
        "Everything is stopped: A migration (by owner, since 2026-03-04 12:00 UTC), and 1 more."
    )
    assert closed.opens_with == "gatewright go"


@pytest.mark.parametrize(
    ("unknown", "says", "opens"),
    [
        pytest.param(
            UnknownHead(sha=PUSHED),
            "Neither GitHub's deliveries nor the repository's activity say who pushed abcdef0, so that an approval"
            " may be the pusher's own.",
            "`/override staging codeowners REASON`",
            id="by nobody knows whom",
        ),
        pytest.param(
            UnknownHead(sha=PUSHED, in_fork=True),
            "abcdef0 was pushed in a fork, whose pushes GitHub does not report here, so that an approval may be the"
            " pusher's own.",
            "`/override staging codeowners REASON`",
            id="in a fork",
        ),
        pytest.param(
            UnknownHead(sha=PUSHED, bot=Login("renovate[bot]")),
            "abcdef0 was pushed by renovate[bot], which does not say whose work it is.",
            '`trusted_pushers: ["renovate[bot]"]` in the policy or `/override staging codeowners REASON`',
            id="by a bot",
        ),
    ],
)
def test_a_head_without_a_known_pusher_shuts_the_gate(unknown: UnknownHead, says: str, opens: str) -> None:
    verdict = replace(approvals("owner"), unknown_heads=(unknown,))

    [found] = shut(judge(facts(required_gates=("codeowners",), approvals=verdict)))

    assert (found.outcome, found.sentence, found.opens_with) == (Outcome.FAIL, says, opens)


@pytest.mark.parametrize(
    ("merged", "way"),
    [
        pytest.param(False, "reopen the pull request", id="closed"),
        pytest.param(True, "another pull request", id="merged, which nobody can reopen"),
    ],
)
def test_what_is_merged_is_not_to_be_reopened(*, merged: bool, way: str) -> None:
    results = judge(facts(pull=builders.pull(state="closed", merged=merged)))

    assert [(result.gate, result.opens_with) for result in shut(results)] == [("head", way)]
