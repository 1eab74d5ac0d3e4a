"""How long GitHub's refs, REST and activity list lag a push."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from tests.recorder.answers import accepted, account, field_of, items_of, same, words
from tests.recorder.lab import REPO, Lab
from tests.recorder.model import Exchange, Experiment, Findings, Json, Need, Step
from tests.recorder.wire import Holder

_PUSHES = 3
_LONGEST = 30.0
_FOUND = 200
_SETS = ({"metadata": "read"}, {"contents": "read"}, {"pull_requests": "read"}, {"administration": "read"})
_BRANCH = "activity"


async def lag(lab: Lab) -> Findings:
    """Push, and ask every place for the new head until it shows it."""
    pull = await lab.pull("lag")
    measured: Json = {}
    facts = {"a new pull request is found at once": (await lab.read_pull(pull.number)).status == _FOUND}
    for push in range(_PUSHES):
        sha = await lab.commit(pull.branch, f"push {push}")
        fetched = await lab.checkout.can_fetch(sha)
        facts["a commit can be fetched by its id at once"] = (
            facts.get("a commit can be fetched by its id at once", True) and fetched
        )
        seconds = await _until_all(lab, _places(lab, pull.number, sha))
        for name, each in seconds.items():
            measured.setdefault(name, []).append(each)
            facts[f"{name} shows the head"] = each is not None
    return Findings(facts=facts, measured=measured)


Looks = dict[str, Callable[[], Awaitable[bool]]]


def _places(lab: Lab, number: int, sha: str) -> Looks:
    async def pull() -> bool:
        return bool(field_of(await lab.read_pull(number), "head", "sha") == sha)

    async def ref(name: str) -> bool:
        return await lab.checkout.remote(name) == sha

    async def branch() -> bool:
        shown = await lab.ask("GET", f"{REPO}/branches/{{branch}}", branch="lag")
        return bool(field_of(shown, "commit", "sha") == sha)

    async def merge() -> bool:
        shown = await lab.read_pull(number)
        test_merge = await lab.checkout.remote(f"refs/pull/{number}/merge")
        return bool(test_merge) and field_of(shown, "merge_commit_sha") == test_merge

    return {
        "refs/pull/N/head": partial(ref, f"refs/pull/{number}/head"),
        "GET pulls/N": pull,
        "GET branches/BRANCH": branch,
        "refs/pull/N/merge as in merge_commit_sha": merge,
    }


async def _until_all(lab: Lab, places: Looks) -> dict[str, float | None]:
    """Ask all places in turn, so that none waits for another."""
    started = lab.waits.monotonic()
    seconds: dict[str, float | None] = dict.fromkeys(places)
    while open_places := [name for name, each in seconds.items() if each is None]:
        for name in open_places:
            if await places[name]():
                seconds[name] = round(lab.waits.monotonic() - started, 1)
        if lab.waits.monotonic() - started >= _LONGEST:
            break
        await lab.waits.sleep(0.5)
    return seconds


async def activity(lab: Lab) -> Findings:
    """Push as the App, force-push as the owner, and ask for the list with one permission after the other."""
    app = await lab.all_of_app()
    first = await lab.commit(_BRANCH, "by the App", on="origin/main", push=False)
    facts: Json = {"the App may push": await lab.checkout.push(_BRANCH, by=app) == 0}
    last = await lab.commit(_BRANCH, "by the owner", on="origin/main")

    async def listed() -> bool:
        shown = await _activity(lab, app)
        return shown.status != _FOUND or any(each.get("after") == last for each in items_of(shown))

    waited = await lab.until(listed, seconds=_LONGEST)
    shown = await _activity(lab, app)
    entries = {each["after"]: each for each in items_of(shown)}
    sent = await lab.delivered("push", None, same("after", first))
    facts["App's push"] = [
        entries.get(first, {}).get("activity_type"),
        account(entries.get(first, {}).get("actor")),
    ]
    facts["owner's force-push"] = [
        entries.get(last, {}).get("activity_type"),
        account(entries.get(last, {}).get("actor")),
    ]
    facts["sender of the App's push"] = account(sent.get("sender"))
    facts["accepted permissions"] = accepted(shown)
    facts["status with"] = {}
    for permissions in _SETS:
        token = await lab.installation(permissions)
        facts["status with"][words(permissions)] = (
            None if token is None else (await _activity(lab, token)).status
        )
    return Findings(
        facts=facts,
        measured={"seconds until the push is listed": waited if shown.status == _FOUND else None},
    )


async def _activity(lab: Lab, who: Holder) -> Exchange:
    return await lab.ask(
        "GET", f"{REPO}/activity{{?ref}}", by=who, variables={"ref": f"refs/heads/{_BRANCH}"}
    )


_RETENTION = (
    Step(
        do="Choose a repository that had pushes a year ago and earlier. In `gh`:"
        " `gh api 'repos/OWNER/OLD/activity?direction=asc&per_page=1' --jq '.[0].timestamp'`",
        ask="What is the time of the oldest entry?",
        fact="oldest entry",
    ),
    Step(
        do="`git log --reverse --format=%cI origin/HEAD | head -1` in a clone of it.",
        ask="When was the first push, as far as you know?",
        fact="first push",
    ),
    Step(
        do="Take a branch that was deleted more than 90 days ago:"
        " `gh api 'repos/OWNER/OLD/activity?ref=refs/heads/BRANCH' --jq length`",
        ask="How many entries does the deleted branch still have?",
        fact="entries of a deleted branch",
    ),
)


async def activity_retention(lab: Lab) -> Findings:
    """Have a person look at an old repository."""
    return await lab.played(_RETENTION)


EXPERIMENTS = (
    Experiment(
        name="lag",
        question="How long do `refs/pull/N/head`, REST and the test merge lag a push?",
        steps=(
            Step(
                do="`git push`, and at once, again and again: `git ls-remote origin refs/pull/N/head refs/pull/N/merge`,"
                " `gh api repos/ORG/REPO/pulls/N --jq '[.head.sha, .merge_commit_sha]'`,"
                " `git fetch origin FULL_COMMIT_ID` in an empty repository."
            ),
        ),
        see="After how many seconds each shows the new commit; the fetch by id works at once.",
        decides="How long the bot retries a fetch, and the longest lag of the stand-in. Where a commit cannot be fetched by"
        " its id at once, the fetch has to wait for the ref.",
        run=lag,
    ),
    Experiment(
        name="activity",
        question="What does the push activity of a repository need, and whom does it name?",
        steps=(
            Step(
                do="Push a new branch with the App's token, then force-push to it as the owner: `git push https://x-access-token:$T@github.com/ORG/REPO HEAD:x`, `git push -f`."
            ),
            Step(
                do='`curl -i -H "Authorization: Bearer $T" https://api.github.com/repos/ORG/REPO/activity` with tokens of'
                " one permission each (`POST /app/installations/ID/access_tokens` with `permissions`)."
            ),
        ),
        see="The status for each permission, the header `X-Accepted-GitHub-Permissions`, `activity_type` and `actor`.",
        decides="Which permission the install page, the manifest and the stand-in list for reading pushes whose delivery was"
        " lost; whether a push by an App is known by its bot, for `trusted_pushers`.",
        run=activity,
        needs=(Need.APP,),
    ),
    Experiment(
        name="activity-retention",
        question="How long does the push activity go back?",
        steps=_RETENTION,
        see="The age of the oldest entry, also of a branch that is gone.",
        decides="For how long a pull request whose deliveries were lost can still be opened without `/override`; the age"
        " after which the stand-in forgets pushes.",
        run=activity_retention,
        by_hand=True,
    ),
)
