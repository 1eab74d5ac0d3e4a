"""What becomes of an approval when the branch moves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from tests.recorder.answers import account, field_of, items_of, same
from tests.recorder.lab import REPO, Lab, Pull
from tests.recorder.model import Experiment, Findings, Json, Need, Step

_SETTLED = 20
"""Seconds after which GitHub has moved what it moves; it was seen to do so after the push."""

_ACCEPTED = 202

Move = Callable[[Lab, Pull], Awaitable[str]]


async def _ordinary(lab: Lab, pull: Pull) -> str:
    return await lab.commit(pull.branch, "second", push=False)


async def _message(lab: Lab, pull: Pull) -> str:
    return await lab.checkout.edit(pull.branch, "commit", "--quiet", "--amend", "--message=another message")


async def _content(lab: Lab, pull: Pull) -> str:
    return await lab.commit(pull.branch, "something else", on="origin/main", push=False)


async def _rebase(lab: Lab, pull: Pull) -> str:
    await _move_base(lab, pull)
    return await lab.checkout.edit(pull.branch, "rebase", "--quiet", "origin/main")


async def _merge(lab: Lab, pull: Pull) -> str:
    await _move_base(lab, pull)
    return await lab.checkout.edit(pull.branch, "merge", "--quiet", "--no-edit", "origin/main")


async def _back(lab: Lab, pull: Pull) -> str:
    await lab.commit(pull.branch, "second")
    return await lab.checkout.edit(pull.branch, "reset", "--quiet", "--hard", pull.head)


async def _emptied(lab: Lab, pull: Pull) -> str:
    return await lab.checkout.edit(pull.branch, "reset", "--quiet", "--hard", f"{pull.head}^")


async def _move_base(lab: Lab, pull: Pull) -> None:
    name = f"base-of-{pull.branch}.txt"
    await lab.checkout.edit("main", "reset", "--quiet", "--hard", "origin/main")
    await lab.checkout.commit("main", {name: "moved\n"}, message="Move the base")
    await lab.checkout.push("main")


_MOVES: Mapping[str, Move] = {
    "ordinary push": _ordinary,
    "force-push, another message, the same content": _message,
    "force-push, other content": _content,
    "force-push, rebased onto a newer base": _rebase,
    "push of a clean merge of the base": _merge,
    "force-push back to the approved commit": _back,
    "force-push that leaves no commit": _emptied,
}


async def force_push(lab: Lab) -> Findings:
    """Approve a pull request for each kind of push, and read the review after it."""
    facts, measured = {}, {}
    for number, (name, move) in enumerate(_MOVES.items()):
        pull = await lab.pull(f"review-{number}", approved=True)
        head = await move(lab, pull)
        await lab.checkout.push(pull.branch)
        measured[name] = await lab.head_shown(pull.number, head)
        await lab.waits.sleep(_SETTLED)
        facts[name] = await _review(lab, pull, head)
    return Findings(facts=facts, measured={"seconds until REST shows the head": measured})


async def _review(lab: Lab, pull: Pull, head: str) -> Json:
    listed = await lab.ask("GET", f"{REPO}/pulls/{{pull_number}}/reviews", pull_number=pull.number)
    found: Json = next((each for each in items_of(listed) if each["id"] == pull.review), {})
    names = {head: "new head", pull.head: "approved commit"}
    shown = await lab.read_pull(pull.number)
    return {
        "commit_id is the": names.get(str(found.get("commit_id")), "something else"),
        "state": found.get("state"),
        "pull request is": field_of(shown, "state"),
    }


async def update_branch(lab: Lab) -> Findings:
    """Have the reviewer update the branch, and see who made and sent the merge."""
    pull = await lab.pull("update-branch", approved=True)
    await _move_base(lab, pull)
    route = f"{REPO}/pulls/{{pull_number}}/update-branch"
    done = await lab.ask("PUT", route, by=lab.reviewer, body={}, pull_number=pull.number)

    async def moved() -> bool:
        return bool(field_of(await lab.read_pull(pull.number), "head", "sha") != pull.head)

    waited = await lab.until(moved, seconds=30) if done.status == _ACCEPTED else None
    head = field_of(await lab.read_pull(pull.number), "head", "sha") or pull.head
    commit = await lab.ask("GET", f"{REPO}/commits/{{ref}}", ref=head)
    sent = await lab.delivered("pull_request", "synchronize", same("after", head))
    facts = {
        "status": done.status,
        "parents": len(field_of(commit, "parents") or []),
        "author": account(field_of(commit, "author")),
        "committer": account(field_of(commit, "committer")),
        "sender": account(sent.get("sender")),
        "review": await _review(lab, pull, head),
    }
    return Findings(facts=facts, measured={"seconds": waited})


EXPERIMENTS = (
    Experiment(
        name="force-push",
        question="Which pushes move the `commit_id` of an approval, or dismiss it?",
        steps=(
            Step(
                do="For each kind of push, as the owner: `git switch -c topic origin/main && git commit --allow-empty -m first && git push -u origin topic && gh pr create --fill`; as the reviewer: `gh pr review N --approve`."
            ),
            Step(
                do="Push in one of these ways: `git commit --amend -m other && git push -f`; `git reset --hard origin/main`, a commit with other content, `git push -f`; `git rebase origin/main && git push -f` after `main` moved; `git merge origin/main && git push`; a second commit, `git push`, `git reset --hard HEAD^`, `git push -f`; `git reset --hard HEAD^ && git push -f`; an ordinary commit and `git push`."
            ),
            Step(
                do="After 20 seconds: `gh api repos/ORG/REPO/pulls/N/reviews --jq '.[] | [.state, .commit_id]'`"
            ),
        ),
        see="`commit_id` is the approved commit or the new head, `state` is `APPROVED` or `DISMISSED`.",
        decides="The gate `codeowners` counts a review for the commit that its `submitted` delivery named. Where no push"
        " moves `commit_id`, REST's field may count too; a kind of push that moves it is imitated by the stand-in.",
        run=force_push,
        needs=(Need.REVIEWER,),
    ),
    Experiment(
        name="update-branch",
        question="Who made, and who sent, the merge of *Update branch*?",
        steps=(
            Step(do="Open a pull request, approve it as the reviewer, push a commit to `main`."),
            Step(
                do="As the reviewer: `gh api -X PUT repos/ORG/REPO/pulls/N/update-branch` (or press *Update branch*)."
            ),
            Step(
                do="`gh api repos/ORG/REPO/commits/NEW_HEAD --jq '[.author.login, .committer.login, (.parents|length)]'`"
            ),
        ),
        see="Two parents; the reviewer or `web-flow` as author and committer; the sender of the delivery `synchronize`.",
        decides="A clean merge of the base makes nobody a pusher. Where its parents or its sender differ, that rule must"
        " recognise them, or reviewers lose their right to approve.",
        run=update_branch,
        needs=(Need.REVIEWER, Need.APP),
    ),
)
