"""Accounts that are renamed or gone, forks that are deleted, and the store of states."""

from __future__ import annotations

from tests.recorder.answers import account, field_of, items_of
from tests.recorder.lab import REPO, Lab
from tests.recorder.model import Experiment, Findings, Json, Need, Step

_FOUND = 200
_RENAME = Step(
    do="As the reviewer: *Settings → Account → Change username*. Keep the old name in mind.",
    ask="What is the new login?",
    fact="renamed",
)


async def renamed_user(lab: Lab) -> Findings:
    """Read the reviewer by the old login before and after a rename."""
    pull = await lab.pull("renamed", approved=True)
    before = await _by_login(lab, lab.reviewer_login, pull.number)
    new = (await lab.play([_RENAME]))["renamed"]
    lab.redaction.name({new: "new-name-of-the-reviewer"})
    after = await _by_login(lab, lab.reviewer_login, pull.number)
    return Findings(facts={"before": before, "after": after})


async def _by_login(lab: Lab, login: str, number: int) -> Json:
    user = await lab.ask("GET", "/users/{username}", username=login)
    right = await lab.ask("GET", f"{REPO}/collaborators/{{username}}/permission", username=login)
    reviews = await lab.ask("GET", f"{REPO}/pulls/{{pull_number}}/reviews", pull_number=number)
    return {
        "GET users/LOGIN": [user.status, account(user.answer)],
        "permission by login": [right.status, field_of(right, "role_name")],
        "author of the review": account(items_of(reviews)[0]["user"]) if items_of(reviews) else None,
    }


_GHOST = Step(
    do="Find a pull request whose author has deleted the account (the page shows *ghost*), in any public repository.",
    ask="Which one? (`OWNER/REPO#N`; Enter skips)",
    fact="pull request",
)


async def ghosts(lab: Lab) -> Findings:
    """Read a pull request of a deleted account."""
    named = str((await lab.play([_GHOST]))["pull request"])
    name, _, number = named.partition("#")
    owner, _, repo = name.partition("/")
    if not (repo and number.isdecimal()):
        return Findings(facts={"pull request": None})
    shown = await lab.ask(
        "GET", f"{REPO}/pulls/{{pull_number}}", owner=owner, repo=repo, pull_number=int(number)
    )
    reviews = await lab.ask(
        "GET", f"{REPO}/pulls/{{pull_number}}/reviews", owner=owner, repo=repo, pull_number=int(number)
    )
    facts = {
        "user": account(field_of(shown, "user")),
        "head.user": account(field_of(shown, "head", "user")),
        "head.repo is null": field_of(shown, "head", "repo") is None,
        "a review without a user": any(each["user"] is None for each in items_of(reviews)),
    }
    # The other people of that repository are nobody's concern: what was answered is not kept.
    lab.wire.exchanges.clear()
    return Findings(facts=facts if shown.status == _FOUND else {"status": shown.status})


_FORK = (
    Step(
        do="As the reviewer: fork the recorder's repository (*Settings → General → Allow forking* for a private one), change a"
        " file there, and open a pull request to `main`.",
        ask="What is its number?",
        fact="number",
    ),
    Step(do="Delete the fork (*Settings → Danger Zone*), then press Enter.", ask="Done?", fact="deleted"),
)


async def null_head(lab: Lab) -> Findings:
    """Read the pull request of a fork that is gone."""
    number = str((await lab.play(_FORK))["number"])
    if not number.isdecimal():
        return Findings(facts={"pull request": None})
    shown = await lab.read_pull(int(number))
    facts = {
        "state": field_of(shown, "state"),
        "head.repo is null": field_of(shown, "head", "repo") is None,
        "head.user": account(field_of(shown, "head", "user")),
        "head.label": field_of(shown, "head", "label"),
        "refs/pull/N/head is there": bool(await lab.checkout.remote(f"refs/pull/{number}/head")),
    }
    return Findings(facts=facts)


_STORE = (
    Step(
        do="With the key pair of an R2 bucket in the environment and its address in `$E`, twice: `aws s3api put-object"
        " --endpoint-url $E --bucket BUCKET --key probe --body FILE --if-none-match '*'`",
        ask="Does the second one end with 412 PreconditionFailed? (yes/no, or its words)",
        fact="create-if-absent",
    ),
    Step(
        do="`AWS_REQUEST_CHECKSUM_CALCULATION=when_supported aws s3api put-object --endpoint-url $E --bucket BUCKET --key sum"
        " --body FILE --checksum-algorithm CRC32`, and once with `when_required` and no algorithm.",
        ask="What does R2 answer to each?",
        fact="checksum headers",
    ),
    Step(
        do='`curl -X POST https://api.cloudflare.com/client/v4/accounts/$ACCOUNT/r2/temp-access-credentials -H "Authorization:'
        ' Bearer $CF_TOKEN" -H \'Content-Type: application/json\' -d \'{"bucket":"BUCKET","parentAccessKeyId":"…",'
        '"permission":"object-read-write","ttlSeconds":900,"prefixes":["staging/"]}\'`; with these keys put `staging/x` and'
        " `prod/x`, and list the bucket.",
        ask="Which of the three is refused, and with which code?",
        fact="temporary credentials by prefix",
    ),
)


async def object_store(lab: Lab) -> Findings:
    """Have a person ask R2."""
    return await lab.played(_STORE)


EXPERIMENTS = (
    Experiment(
        name="renamed-user",
        question="What do REST's answers by the old login become when an account is renamed?",
        steps=(
            _RENAME,
            Step(
                do="`gh api users/OLD`, `gh api repos/ORG/REPO/collaborators/OLD/permission`, and the reviews of the pull request."
            ),
        ),
        see="404 by the old login (or a redirection), the new login in old reviews, the same `id`.",
        decides="People are compared by id. How the stand-in answers for an old login, and whether the bot has to read the"
        " current login by id before it asks for a permission.",
        run=renamed_user,
        needs=(Need.REVIEWER,),
        by_hand=True,
    ),
    Experiment(
        name="ghosts",
        question="How do REST's answers show an account that is gone?",
        steps=(
            _GHOST,
            Step(
                do="`gh api repos/OWNER/REPO/pulls/N --jq '[.user.login, .head.user, .head.repo]'`, and its reviews."
            ),
        ),
        see="`null` or the login `ghost`.",
        decides="Which of the two the stand-in gives, and that neither ever counts as an approval or as nobody's push.",
        run=ghosts,
        by_hand=True,
    ),
    Experiment(
        name="null-head",
        question="How does a pull request look whose fork was deleted?",
        steps=_FORK,
        see="`head.repo` is `null`, the pull request is closed or open, `refs/pull/N/head` stays.",
        decides="Such a head counts as a fork's. Where the pull request stays open, its plans go on to need `/allow`.",
        run=null_head,
        needs=(Need.REVIEWER,),
        by_hand=True,
    ),
    Experiment(
        name="object-store",
        question="Does Cloudflare R2 refuse a second create, take checksum headers, and limit credentials by prefix?",
        steps=_STORE,
        see="412; 200 or 501 for the checksum; 403 outside of the prefix.",
        decides="Whether the start-up probe passes on R2; `AWS_REQUEST_CHECKSUM_CALCULATION` of every run; whether the"
        " program for temporary credentials may be recommended.",
        run=object_store,
        by_hand=True,
    ),
)
