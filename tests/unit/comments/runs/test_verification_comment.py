from __future__ import annotations

from dataclasses import replace

from bot.comments.gates.gates import GatesRow, gates_comment
from bot.comments.markdown.header import parse_header
from bot.comments.runs.verification import verified_part, verify_comment
from bot.domain.core.model import PlanId, RunKind, RunStatus
from bot.domain.core.refusals import Reason
from bot.domain.gates import GateResult, Outcome
from bot.domain.releases.release import CheckResult, Verification
from tests.fakes.accounts import account
from tests.fakes.records import builders
from tests.unit.comments.samples import RUN_URL, run

GOOD = CheckResult(name="front page", type="http", outcome=Outcome.PASS, sentence="HTTP 200 in 9 ms.")
BAD = CheckResult(
    name="@team | page", type="http", outcome=Outcome.FAIL, sentence="Status 500 came.", attempts=3
)
MADE = Verification(
    run_id=run().id,
    release=PlanId("pabcdefg"),
    stack=builders.stack(),
    outcome=Outcome.PASS,
    checks=(GOOD,),
    inputs_digest="e" * 64,
    change_digest="c" * 64,
    state_serial=4,
    state_lineage="x",
    policy_digest="9" * 64,
    actor=account("dev"),
    verified_at=builders.NOON,
)
FAILED = replace(MADE, outcome=Outcome.FAIL, checks=(GOOD, BAD))
VERIFY = replace(run(), kind=RunKind.VERIFY)


def test_an_apply_tells_what_each_check_found() -> None:
    said = verified_part(MADE)

    assert "**Verified**: every check passed." in said
    assert "| front page | ✅ PASS | HTTP 200 in 9 ms. |" in said


def test_failed_verification_warns_and_names_the_command_that_checks_again() -> None:
    said = verified_part(FAILED)

    assert "its checks ended with FAIL" in said
    assert "`/smoke staging`" in said
    assert "❌ FAIL | Status 500 came. (3 tries) |" in said
    assert "| @team |" not in said


def test_without_checks_an_apply_says_nothing_of_them() -> None:
    assert verified_part(replace(MADE, checks=())) == ""


def test_verification_that_was_asked_for_is_told_with_its_outcome() -> None:
    good = verify_comment(VERIFY, MADE, run_url=RUN_URL)
    bad = verify_comment(VERIFY, FAILED, run_url=RUN_URL)

    assert (parse_header(good) or {})["status"] == "verified"
    assert (parse_header(bad) or {})["status"] == "fail"
    assert (parse_header(bad) or {})["kind"] == "verify"
    assert "### ❌ staging: the checks ended with FAIL" in bad
    assert "`/smoke staging`" in bad


def test_a_verification_that_could_not_be_carried_out_says_why() -> None:
    lost = replace(VERIFY, status=RunStatus.FAILED, summary="There is no release to verify.")

    said = verify_comment(lost, None, run_url=RUN_URL)

    assert (parse_header(said) or {})["status"] == "error"
    assert "There is no release to verify." in said


def test_gates_are_told_per_environment_with_what_comes_next() -> None:
    shut = GateResult(
        gate="promoted",
        outcome=Outcome.FAIL,
        sentence="It was not applied to staging.",
        reason=Reason.PROMOTED,
        opens_with="/apply staging",
    )
    open_gate = GateResult(gate="head", outcome=Outcome.PASS, sentence="The newest commit.")
    rows = [
        GatesRow(stack=builders.stack(), plan=builders.plan(), results=(open_gate,)),
        GatesRow(stack=builders.stack("prod"), plan=builders.plan(), results=(open_gate, shut)),
        GatesRow(stack=builders.stack("test"), plan=None),
    ]

    said = gates_comment(rows, actor=account("dev"), head=builders.HEAD, reference="d1")

    assert (parse_header(said) or {})["kind"] == "gates"
    assert "staging, plan `pabcdefg`: every gate is open" in said
    assert "prod, plan `pabcdefg`: 1 gate shut" in said
    assert "- ❌ **promoted**: It was not applied to staging. → `/apply staging`\n" in said
    assert "To apply the plan of staging, comment:\n\n```\n/apply staging\n```\n" in said
    assert "To plan test, comment:\n\n```\n/plan test\n```\n" in said
    assert "/apply prod" not in said
