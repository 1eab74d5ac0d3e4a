"""Which release a `/revert` means: tables over the undo stack."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.core.model import PlanId, RunId, StateIdentity
from bot.domain.core.refusals import Reason, Refusal
from bot.domain.gates import Outcome
from bot.domain.hcl.provisioners import destroy_provisioners
from bot.domain.releases.release import Verification
from bot.domain.releases.revert import Choice, History, Unfinished, choose, state_problem
from tests.fakes.accounts import account
from tests.fakes.records.builders import NOON
from tests.unit.domain.releases.samples import STACK, release


def verified(name: str, outcome: Outcome = Outcome.PASS, *, revoked: bool = True) -> Verification:
    return Verification(
        run_id=RunId(f"verify-{name}"),
        release=PlanId(name),
        stack=STACK,
        outcome=outcome,
        checks=(),
        inputs_digest="",
        change_digest="",
        state_serial=4,
        state_lineage="one",
        policy_digest="",
        actor=account("dev"),
        verified_at=NOON,
        revoked_at=NOON if revoked else None,
    )


def history(story: str, *, unfinished: Unfinished | None = None) -> History:
    """Read a story, oldest first: `a` applied and verified, `b!` failed its checks, `c?` was never checked,
    `=d` changed nothing, `e>a` reverted to `a`, `f-` left something out.
    """
    releases, verifications, reverts = [], [], {}
    for word in story.split():
        name, _, target = word.strip("=!?-").partition(">")
        releases.append(
            release(name, changed=word[0] != "=", arguments=("-target=a",) if word[-1] == "-" else ())
        )
        if target:
            reverts[PlanId(name)] = PlanId(target)
        if word[-1] != "?":
            verifications.append(verified(name, Outcome.FAIL if word[-1] == "!" else Outcome.PASS))
    return History(
        releases=releases[::-1], verifications=verifications[::-1], reverts=reverts, unfinished=unfinished
    )


@pytest.mark.parametrize(
    ("story", "named", "target", "undone"),
    [
        pytest.param("a b", None, "a", "b", id="one back"),
        pytest.param("a b c", None, "b", "c", id="one back of several"),
        pytest.param("a b c d>b", None, "a", "d b", id="reverting twice goes back two"),
        pytest.param("a b c>a d", None, "c", "d", id="forward after a revert lies on what it went back to"),
        pytest.param("a b! c", None, "a", "c b", id="what failed its checks is passed over"),
        pytest.param("a b? c", None, "a", "c b", id="what was never checked is passed over"),
        pytest.param("a b- c", None, "a", "c b", id="what left something out is passed over"),
        pytest.param("a b =c", None, "a", "c b", id="what changed nothing is no step of its own"),
        pytest.param(
            "a =b? c", None, "a", "c", id="either of two that left the same may be the verified one"
        ),
        pytest.param("a =b c", None, "a", "c", id="what nobody has applied is no source to go back to"),
        pytest.param("a =b c", "b", "a", "c", id="not by its name either"),
        pytest.param("a! =b c", None, "a", "c", id="what was applied, and seen to work by a later look"),
        pytest.param("a- =b c", None, "b", "c", id="but where nothing else left the same"),
        pytest.param("a b c", "a", "a", "c b", id="a named one"),
        pytest.param("a b c>a", "b", "b", "c a", id="forward again by name"),
        pytest.param("a b", "run-a", "a", "b", id="named by its run"),
    ],
)
def test_a_revert_goes_to(story: str, named: str | None, target: str, undone: str) -> None:
    found = choose(history(story), named=named, stack=STACK)

    assert isinstance(found, Choice), found
    assert found.target.plan_id == target
    assert [each.plan_id for each in found.undone] == undone.split()


def test_unchanged_base_is_a_source_to_go_back_to() -> None:
    story = history("a =b c")
    merged = [
        replace(each, head_sha=each.base_sha) if each.plan_id == "b" else each for each in story.releases
    ]

    found = choose(replace(story, releases=merged), named=None, stack=STACK)

    assert isinstance(found, Choice), found
    assert found.target.plan_id == "b"


@pytest.mark.parametrize(
    ("unfinished", "target", "undone"),
    [
        pytest.param(Unfinished(revert_to=None), "b", "", id="a broken apply goes back to what was there"),
        pytest.param(Unfinished(revert_to=PlanId("a")), "a", "b", id="a broken revert is finished"),
    ],
)
def test_after_a_change_that_did_not_end_well(unfinished: Unfinished, target: str, undone: str) -> None:
    found = choose(history("a b", unfinished=unfinished), named=None, stack=STACK)

    assert isinstance(found, Choice), found
    assert (found.target.plan_id, [each.plan_id for each in found.undone]) == (target, undone.split())


@pytest.mark.parametrize(
    ("story", "named", "reason"),
    [
        pytest.param("", None, Reason.NOTHING_TO_REVERT, id="no release"),
        pytest.param("a", None, Reason.NOTHING_TO_REVERT, id="nothing before it"),
        pytest.param("a! b", None, Reason.NOTHING_TO_REVERT, id="nothing verified before it"),
        pytest.param("a b c>a", None, Reason.NOTHING_TO_REVERT, id="back at the bottom"),
        pytest.param("a b", "z", Reason.NOT_FOUND, id="an unknown name"),
        pytest.param("a b", "b", Reason.NO_CHANGES, id="what is in place"),
        pytest.param("a! b", "a", Reason.NOT_VERIFIED, id="a named one that did not work"),
    ],
)
def test_a_revert_is_refused(story: str, named: str | None, reason: Reason) -> None:
    found = choose(history(story), named=named, stack=STACK)

    assert isinstance(found, Refusal)
    assert found.reason is reason
    assert found.next_command


@pytest.mark.parametrize(
    ("now", "is_refused"),
    [
        pytest.param((4, "one"), False, id="as the last change left it"),
        pytest.param((3, "one"), False, id="as the last release left it"),
        pytest.param((5, "one"), True, id="somebody else wrote it"),
        pytest.param((4, "two"), True, id="another state altogether"),
    ],
)
def test_a_state_that_was_changed_outside_is_refused(now: tuple[int, str], *, is_refused: bool) -> None:
    identity = StateIdentity(serial=now[0], lineage=now[1], sha256=None)

    found = state_problem(identity, [(4, "one"), (3, "one")], stack=STACK)

    assert (found is not None) is is_refused
    assert found is None or found.reason is Reason.STATE_MOVED


def test_a_pass_that_failed_later_counts_no_more() -> None:
    told = history("a b")
    later = replace(told, verifications=(verified("a", Outcome.FAIL), *told.verifications))

    assert isinstance(choose(later, named=None, stack=STACK), Refusal)


def test_only_provisioners_that_run_at_destroy_are_found() -> None:
    source = """
    resource "terraform_data" "kept" {
      provisioner "local-exec" { command = "when = destroy" }
    }
    resource "terraform_data" "gone" {
      input = { when = "x" }
      provisioner "local-exec" {
        command = "echo }"
        when    = destroy
      }
    }
    """

    assert destroy_provisioners([source, "}{ when = destroy"]) == {"terraform_data.gone"}
