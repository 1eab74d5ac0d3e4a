from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.playground.github.limits import SecondaryLimits
from tests.integration.recorder.conftest import ORGANISATION, Evening
from tests.recorder.compare import differences
from tests.recorder.model import Need, Recording, read
from tests.recorder.plan import RECORDED, RefusedError
from tests.recorder.table import EXPERIMENTS

SCRIPTED = [each.name for each in EXPERIMENTS.values() if not each.by_hand and Need.PERMIT not in each.needs]
QUICK = ("check-run-back", "deliveries", "merge-methods")


def asked_to_write(evening: Evening) -> list[str]:
    return [each.method for each in evening.github.requests if each.method != "GET"]


async def test_what_is_scripted_is_recorded_without_secrets_and_names(evening: Evening) -> None:
    recordings = await evening.play(*SCRIPTED)

    assert [each.name for each in recordings] == SCRIPTED
    assert [read(evening.directory / f"{name}.json") for name in SCRIPTED] == recordings
    assert all(each.facts and each.exchanges for each in recordings)
    assert [name for name in SCRIPTED if f"| {name} |" not in summary_of(evening)] == []
    written = "".join(path.read_text() for path in evening.directory.iterdir())
    assert [each for each in hidden(evening) if each in written] == []


def hidden(evening: Evening) -> list[str]:
    settings = evening.settings
    tokens = [settings.token, settings.reviewer_token or SecretStr("-")]
    names = ["olga-owner", "rita-reviewer", ORGANISATION]
    kinds = ["ghs_", "ghp_", "eyJ", "@users.noreply", "/avatars/", "PRIVATE KEY"]
    return [token.get_secret_value() for token in tokens] + names + kinds


def summary_of(evening: Evening) -> str:
    return (evening.directory / "README.md").read_text()


async def test_the_stand_in_does_what_was_recorded(evening: Evening, tmp_path: Path) -> None:
    await evening.play(*QUICK)
    recorded = {
        path.stem: read(path) for folder in (evening.directory, RECORDED) for path in folder.glob("*.json")
    }
    repeated = {name for name in recorded if not EXPERIMENTS[name].by_hand} - {"content-limits", "stale-run"}
    assert repeated >= set(QUICK)

    again = await evening.play(*sorted(repeated), directory=tmp_path / "again")

    found = {each.name: differences(recorded[each.name], each) for each in again}
    assert found == {name: [] for name in repeated}


async def test_an_answer_that_differs_is_named(evening: Evening) -> None:
    (ours,) = await evening.play("merge-methods")
    theirs = read(evening.directory / "merge-methods.json")
    theirs.facts["squash"]["parents of the tip"] = 2
    pulls = [
        each["answer"]
        for each in theirs.exchanges
        if each["route"].endswith("/pulls/{pull_number}") and each["status"] == 200
    ]
    for pull in pulls:
        pull["number"] = str(pull["number"])
        del pull["merged_by"]

    found = differences(theirs, ours)

    pull_request = "GET /repos/{owner}/{repo}/pulls/{pull_number} 200"
    assert found[0].startswith("squash: recorded ")
    assert found[1:] == [
        f"{pull_request}: only the stand-in answers answer.merged_by",
        f"{pull_request}: answer.number is text, the stand-in gives number",
    ]


async def test_an_organisation_in_use_is_refused(evening: Evening) -> None:
    for number in range(5):
        await evening.github.create_repo(f"{ORGANISATION}/more-{number}")

    with pytest.raises(RefusedError, match="has 6 repositories, more than 5"):
        await evening.play()

    assert asked_to_write(evening) == []


async def test_nothing_is_made_until_the_name_is_typed(evening: Evening) -> None:
    with pytest.raises(RefusedError, match="nothing was made"):
        await evening.play(answers=["yes"])

    assert asked_to_write(evening) == []


async def test_a_token_that_is_no_owners_is_refused(evening: Evening) -> None:
    evening.github._hub.state.account(ORGANISATION).members.clear()

    with pytest.raises(RefusedError, match="use a token of one of its owners"):
        await evening.play()


async def test_nothing_is_deleted_unless_the_flag_is_given(evening: Evening) -> None:
    await evening.play("stale-run")
    await evening.time.sleep(60)
    left = [each.path for each in evening.github.requests if each.method == "DELETE"]

    await evening.play("stale-run", delete=True)

    deleted = [each.path for each in evening.github.requests if each.method == "DELETE"]
    assert left == []
    assert len(deleted) == 1
    assert deleted[0].startswith(f"/api/v3/repos/{ORGANISATION}/gatewright-recorder-")
    assert any(line.startswith("left behind: ") for line in evening.person.said)


async def test_an_evening_ends_when_its_requests_are_spent(evening: Evening) -> None:
    recordings = await evening.play("merge-methods", "stale-run", most_requests=12)

    assert recordings == []
    assert len([each for each in evening.github.requests if each.path.startswith("/api")]) == 12
    assert any("--most-requests allows more" in line for line in evening.person.said)


async def test_what_needs_more_than_there_is_is_skipped(evening: Evening) -> None:
    evening.settings = evening.settings.model_copy(update={"reviewer_token": None, "app_id": None})

    recordings = await evening.play("force-push", "deliveries", "activity-retention")

    assert [each.name for each in recordings] == ["activity-retention"]
    assert "force-push: skipped, it needs RECORDER_REVIEWER_TOKEN" in evening.person.said


async def test_what_a_person_saw_is_recorded(evening: Evening) -> None:
    answers = [ORGANISATION, "no", "no", "yes"]

    (recording,) = await evening.play("check-buttons", answers=answers)

    assert recording.facts == {"queued": "no", "in_progress": "no", "completed": "yes"}
    assert [each["answer"] for each in recording.asked] == ["no", "no", "yes"]


async def test_an_incomplete_run_is_found_again_by_a_later_evening(evening: Evening) -> None:
    await evening.play("stale-run")
    (made,) = [name for name in evening.github._hub.state.data.repos if "gatewright-recorder-" in name]
    await evening.time.sleep(15 * 86400)

    (recording,) = await evening.play("stale-run", repository=made.partition("/")[2])

    assert recording.measured["days"] == pytest.approx(15, abs=0.1)


@pytest.mark.parametrize("allowed", [True, False])
async def test_limits_are_run_into_only_when_permitted(evening: Evening, allowed: bool) -> None:  # noqa: FBT001
    second = "elsewhere/notes"
    await evening.github.create_repo(second, private=False)
    await evening.github.add_user("walter")
    await evening.github.open_pull(second, author="walter", branch="b", files={"a": "1\n"})
    evening.github.limits.secondary = SecondaryLimits(content_per_minute=6)
    evening.settings = evening.settings.model_copy(update={"second_repository": second})

    recordings: list[Recording] = await evening.play("content-limits", with_limits=allowed)

    facts = [each.facts for each in recordings]
    refused = {
        "the first installation is refused": True,
        "the second installation may write": True,
        "status": 403,
    }
    assert facts == ([refused] if allowed else [])
