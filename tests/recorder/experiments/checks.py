"""Check runs and suites: what goes back, what shows buttons, what stays."""

from __future__ import annotations

from datetime import datetime

from tests.recorder.answers import field_of, items_of
from tests.recorder.lab import REPO, Lab
from tests.recorder.model import Exchange, Experiment, Findings, Json, Need, Step
from tests.recorder.wire import Holder

_RUNS = f"{REPO}/check-runs"
_RUN = f"{_RUNS}/{{check_run_id}}"
_STALE = "recorder-stale"
_BUTTON = {"label": "Press me", "description": "A button of the recorder", "identifier": "recorder"}
_DONE = {"status": "completed", "conclusion": "success"}


async def _create(lab: Lab, app: Holder, sha: str, name: str, **more: object) -> Exchange:
    return await lab.ask("POST", _RUNS, by=app, body={"name": name, "head_sha": sha, **more})


async def _state(lab: Lab, app: Holder, run: int) -> list[str | None]:
    shown = await lab.ask("GET", _RUN, by=app, check_run_id=run)
    return [field_of(shown, "status"), field_of(shown, "conclusion")]


async def check_run_back(lab: Lab) -> Findings:
    """Complete a run, change it in three ways, and make another one of the same name."""
    app = await lab.all_of_app()
    pull = await lab.pull("check-back")
    run = field_of(await _create(lab, app, pull.head, "recorder-back", **_DONE), "id")
    facts: Json = {}
    changes = (
        {"status": "in_progress"},
        {"status": "queued"},
        {"status": "completed", "conclusion": "failure"},
    )
    for change in changes:
        done = await lab.ask("PATCH", _RUN, by=app, body=change, check_run_id=run)
        facts[f"PATCH to {'/'.join(change.values())}"] = {
            "status": done.status,
            "then": await _state(lab, app, run),
        }
    again = await _create(lab, app, pull.head, "recorder-back", status="in_progress")
    route = f"{REPO}/commits/{{ref}}/check-runs{{?check_name}}"
    listed = await lab.ask("GET", route, by=app, ref=pull.head, check_name="recorder-back")
    ids = [each["id"] for each in items_of(listed, "check_runs")]
    facts["a new run of the same name is shown"] = (
        "alone" if ids == [field_of(again, "id")] else f"as one of {len(ids)}"
    )
    return Findings(facts=facts)


_LOOK = tuple(
    Step(
        do=f"Open the pull request `check-buttons` → *Checks* → *recorder-{state}*.",
        ask=f"Is the button “Press me” shown on recorder-{state}? (yes/no)",
        fact=state,
    )
    for state in ("queued", "in_progress", "completed")
)


async def check_buttons(lab: Lab) -> Findings:
    """Make a run of each status with a button; a person looks."""
    app = await lab.all_of_app()
    pull = await lab.pull("check-buttons")
    for state in ("queued", "in_progress"):
        await _create(lab, app, pull.head, f"recorder-{state}", status=state, actions=[_BUTTON])
    waits = {"status": "completed", "conclusion": "action_required"}
    await _create(lab, app, pull.head, "recorder-completed", **waits, actions=[_BUTTON])
    return await lab.played(_LOOK)


async def suite_rerequest(lab: Lab) -> Findings:
    """Complete a suite, have it re-requested, and see when it is completed again."""
    app = await lab.all_of_app()
    pull = await lab.pull("suite")
    suite = field_of(await _create(lab, app, pull.head, "recorder-suite", **_DONE), "check_suite", "id")
    facts: Json = {"after a completed run": await _suite(lab, app, pull.head, suite)}
    route = f"{REPO}/check-suites/{{check_suite_id}}/rerequest"
    asked = await lab.ask("POST", route, by=app, body={}, check_suite_id=suite)
    await lab.waits.sleep(30)
    facts["re-requested"] = [asked.status, await _suite(lab, app, pull.head, suite)]
    await _create(lab, app, pull.head, "recorder-suite", **_DONE)
    await lab.waits.sleep(5)
    facts["after another run of the same name"] = await _suite(lab, app, pull.head, suite)
    return Findings(facts=facts)


async def _suite(lab: Lab, app: Holder, sha: str, suite: int) -> list[str | None] | str:
    listed = await lab.ask("GET", f"{REPO}/commits/{{ref}}/check-suites", by=app, ref=sha)
    found = next((each for each in items_of(listed, "check_suites") if each["id"] == suite), None)
    return [found["status"], found["conclusion"]] if found else f"not listed ({listed.status})"


async def stale_run(lab: Lab) -> Findings:
    """Leave an incomplete run behind, or look at one that was left behind earlier."""
    app = await lab.all_of_app()
    # The first commit of the repository is the one that a later evening finds again.
    first_commit = await lab.checkout.first()
    first = await lab.ask(
        "GET",
        f"{REPO}/commits/{{ref}}/check-runs{{?check_name}}",
        by=app,
        ref=first_commit,
        check_name=_STALE,
    )
    found = next(iter(items_of(first, "check_runs")), None)
    if found is None:
        await _create(lab, app, first_commit, _STALE, status="in_progress")
        lab.person.say(
            f"Keep the repository, and after 15 days run:"
            f" python -m tests.recorder {lab.organisation} --only stale-run --repository {lab.repository}"
        )
        return Findings(facts={"run": "left behind"})
    age = lab.clock.now() - datetime.fromisoformat(found["started_at"])
    return Findings(
        facts={"run": [found["status"], found["conclusion"]]},
        measured={"days": round(age.total_seconds() / 86400, 1)},
    )


EXPERIMENTS = (
    Experiment(
        name="check-run-back",
        question="Can a completed check run be changed back, and which of two runs of one name is shown?",
        steps=(
            Step(
                do='`curl -X POST -H "Authorization: Bearer $T" https://api.github.com/repos/ORG/REPO/check-runs -d \'{"name": "recorder-back", "head_sha": "SHA", "status": "completed", "conclusion": "success"}\'`'
            ),
            Step(
                do='`curl -i -X PATCH -H "Authorization: Bearer $T" https://api.github.com/repos/ORG/REPO/check-runs/ID -d \'{"status": "in_progress"}\'`, then `curl -H "Authorization: Bearer $T" https://api.github.com/repos/ORG/REPO/check-runs/ID`; the same with `queued`, and with `completed` and the conclusion `failure`.'
            ),
            Step(
                do="Create a second run of the same name with `in_progress`, then `curl -H \"Authorization: Bearer $T\" 'https://api.github.com/repos/ORG/REPO/commits/SHA/check-runs?check_name=recorder-back'`."
            ),
        ),
        see="The answer to each PATCH (200 or 422), and what GET shows after it; the list shows the newer run alone.",
        decides="The bot makes a new run instead of changing a completed one. Where a PATCH does reopen a run, that"
        " is not needed; where both runs are listed, a required check may count the older one.",
        run=check_run_back,
        needs=(Need.APP,),
    ),
    Experiment(
        name="check-buttons",
        question="Do buttons (`actions`) show on check runs that are not completed?",
        steps=_LOOK,
        see="The button, or none, on each of the three runs.",
        decides="Comments name every command, because nothing relies on buttons. Where they show on incomplete runs too,"
        " the waiting `gatewright/apply` may have one.",
        run=check_buttons,
        needs=(Need.APP,),
        by_hand=True,
    ),
    Experiment(
        name="suite-rerequest",
        question="Does a re-requested check suite stay queued until each of its runs is made again?",
        steps=(
            Step(
                do='Complete a run of the App on the head of a pull request, as above; press *Re-run all checks* on its *Checks* tab, or `curl -i -X POST -H "Authorization: Bearer $T" https://api.github.com/repos/ORG/REPO/check-suites/ID/rerequest`.'
            ),
            Step(
                do="`gh api repos/ORG/REPO/commits/SHA/check-suites --jq '.check_suites[] | [.app.slug, .status, .conclusion]'`, after 30 seconds again."
            ),
            Step(do="Create another completed run of the same name, and look once more."),
        ),
        see="`queued` after the request, `completed` after the new run.",
        decides="What the bot does after `check_suite.rerequested`: new runs of all its names end the suite. Where the"
        " suite stays queued all the same, its old runs have to be updated instead.",
        run=suite_rerequest,
        needs=(Need.APP,),
    ),
    Experiment(
        name="stale-run",
        question="When does an incomplete check run become stale?",
        steps=(
            Step(
                do='`curl -X POST -H "Authorization: Bearer $T" https://api.github.com/repos/ORG/REPO/check-runs -d \'{"name": "recorder-stale", "head_sha": "FIRST", "status": "in_progress"}\'` on the first commit of the repository; keep the repository.'
            ),
            Step(
                do="After 15 days: `gh api repos/ORG/REPO/commits/FIRST/check-runs --jq '.check_runs[] | [.status, .conclusion]'`"
            ),
        ),
        see="`completed` and `stale` after 14 days.",
        decides="The schedule makes a waiting check again when it is 12 days old; another age moves that number.",
        run=stale_run,
        needs=(Need.APP,),
    ),
)
