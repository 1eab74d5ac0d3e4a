"""Who merges, who sends it, and what deliveries keep."""

from __future__ import annotations

from tests.recorder.answers import account, field_of, items_of, same
from tests.recorder.lab import REPO, Lab, Pull
from tests.recorder.model import Experiment, Findings, Json, Need, Step

_SETTLED = 10


async def merge_methods(lab: Lab) -> Findings:
    """Merge by REST in the three ways, and see who did it and what the base got."""
    facts: Json = {}
    for method in ("merge", "squash", "rebase"):
        pull = await lab.pull(f"merge-{method}")
        route = f"{REPO}/pulls/{{pull_number}}/merge"
        done = await lab.ask(
            "PUT", route, body={"merge_method": method, "sha": pull.head}, pull_number=pull.number
        )
        await lab.waits.sleep(_SETTLED)
        facts[method] = {"status": done.status, **await _merged(lab, pull)}
    return Findings(facts=facts)


async def _merged(lab: Lab, pull: Pull) -> Json:

    async def merged() -> bool:
        return bool(field_of(await lab.read_pull(pull.number), "merged"))

    await lab.until(merged, seconds=30, every=2)
    shown = await lab.read_pull(pull.number)
    tip = await lab.ask("GET", f"{REPO}/branches/{{branch}}", branch="main")
    merge = field_of(shown, "merge_commit_sha")
    commit = field_of(tip, "commit") or {}
    closed = await lab.delivered("pull_request", "closed", same("number", pull.number))
    pushed = await lab.delivered("push", None, same("after", commit.get("sha")))
    return {
        "merged_by": account(field_of(shown, "merged_by")),
        "merge_commit_sha is the tip of main": bool(merge) and merge == commit.get("sha"),
        "parents of the tip": len(commit.get("parents") or []),
        "author of the tip": account(commit.get("author")),
        "committer of the tip": account(commit.get("committer")),
        "sender of pull_request.closed": account(closed.get("sender")),
        "sender of the push": account(pushed.get("sender")),
    }


_QUEUE = "merge queue"
_OTHERS = {
    _QUEUE: "Once: make the repository public (*Settings → General → Danger Zone*), because a free organisation has rulesets only"
    " there. In *Settings → Rules → Rulesets → New branch ruleset* target `main`, tick *Require merge queue*, create. Press"
    " *Merge when ready* on the pull request and wait until it is merged.",
    "auto-merge": "Delete the ruleset. In *Settings → General* tick *Allow auto-merge*; add a ruleset on `main` that requires one"
    " approval. As the owner press *Enable auto-merge*, as the reviewer approve.",
    "bot": "Delete the ruleset. Install Mergify (or another App that merges) on the repository, comment `@mergifyio queue` (or what"
    " that App wants), and wait until it has merged.",
    "revert button": "Merge the pull request with the button, press *Revert* on its page, create the pull request that GitHub"
    " proposes, and merge it as the reviewer. Its number is the one to type.",
}
_STEPS = tuple(Step(do=do) for do in _OTHERS.values())


async def merges_by_others(lab: Lab) -> Findings:
    """Open a pull request for each way, have a person merge it, and see who did it."""
    facts: Json = {}
    for way, do in _OTHERS.items():
        pull = await lab.pull(f"other-{way.replace(' ', '-')}")
        lab.person.say(f"\nPull request #{pull.number}, {way}. {do}")
        number = await lab.question(
            f"Number of the merged pull request (Enter: {pull.number}, “skip”: not done)"
        )
        if number == "skip":
            continue
        merged = Pull(number=int(number or pull.number), branch=pull.branch, head=pull.head)
        facts[way] = await _merged(lab, merged)
        if way == _QUEUE:
            asked = await lab.delivered("merge_group", "checks_requested", lambda _: True)
            facts[way]["sender of merge_group"] = account(asked.get("sender"))
    return Findings(facts=facts)


async def deliveries(lab: Lab) -> Findings:
    """Make a delivery that fails, redeliver it, and look for both in the list."""
    await lab.pull("delivered")
    found: list[Json] = []

    async def listed() -> bool:
        shown = await lab.ask("GET", "/app/hook/deliveries", by=lab.app)
        found[:] = [
            each
            for each in items_of(shown)
            if each["event"] == "pull_request" and each["repository_id"] == lab.repository_id
        ]
        return bool(found)

    waited = await lab.until(listed, seconds=60, every=2)
    if not found:
        return Findings(facts={"listed": False}, measured={"seconds": waited})
    first = found[0]
    route = "/app/hook/deliveries/{delivery_id}/attempts"
    asked = await lab.ask("POST", route, by=lab.app, delivery_id=first["id"])

    async def again() -> bool:
        await listed()
        return bool(sum(each["guid"] == first["guid"] for each in found) > 1)

    repeated = await lab.until(again, seconds=60, every=2)
    other: Json = next(
        (each for each in found if each["guid"] == first["guid"] and each["id"] != first["id"]), {}
    )
    facts = {
        "listed": True,
        "status code of one that could not connect": first["status_code"],
        "status of asking for it again": asked.status,
        "the redelivery has the same GUID and another id": bool(other),
        "it is marked as a redelivery": other.get("redelivery"),
    }
    return Findings(facts=facts, measured={"seconds until listed": waited, "until listed again": repeated})


EXPERIMENTS = (
    Experiment(
        name="merge-methods",
        question="Who merged, and what does the base get, for a merge, a squash and a rebase by a person?",
        steps=(
            Step(
                do="`gh pr merge N --merge`, `gh pr merge N --squash` and `gh pr merge N --rebase`, a pull request each."
            ),
            Step(
                do="`gh api repos/ORG/REPO/pulls/N --jq '[.merged_by.login, .merge_commit_sha]'`, `gh api repos/ORG/REPO/commits/main --jq '[.sha, .author.login, .committer.login, (.parents | length)]'`; the senders are in the App's *Advanced → Recent Deliveries*."
            ),
        ),
        see="`merged_by` and the senders are the person; `merge_commit_sha` is the tip of `main` in all three.",
        decides="How a sync finds the merge of a pull request in the base. Where `merge_commit_sha` of a rebase is another"
        " commit than the tip, the sync waits for that commit.",
        run=merge_methods,
    ),
    Experiment(
        name="merges-by-others",
        question="Who is `merged_by`, and who the sender, for a merge queue, auto-merge, a bot and the revert button?",
        steps=_STEPS,
        see="For each: `merged_by`, the sender of `pull_request.closed` and of the push, author and committer of the tip; for the queue also the sender of `merge_group`.",
        decides="A sync of exactly what was reviewed asks no `permission`, of people as of bots. The actors that the stand-in gives"
        " to queues and bots are set by this.",
        run=merges_by_others,
        needs=(Need.REVIEWER,),
        by_hand=True,
    ),
    Experiment(
        name="deliveries",
        question="Does a redelivery keep its GUID, and when does the list of deliveries show it?",
        steps=(
            Step(do="Open a pull request; its delivery fails, because nothing answers at the webhook's URL."),
            Step(
                do='`curl -H "Authorization: Bearer $J" https://api.github.com/app/hook/deliveries`, then `curl -i -X POST -H "Authorization: Bearer $J" https://api.github.com/app/hook/deliveries/ID/attempts`, and the list again.'
            ),
        ),
        see="202; two entries with one `guid`, the second with `redelivery: true` and an id of its own.",
        decides="Deliveries are counted once by GUID, and lost ones are asked for again by id. Where a redelivery has another"
        " GUID, each would be handled twice.",
        run=deliveries,
        needs=(Need.APP,),
    ),
)
