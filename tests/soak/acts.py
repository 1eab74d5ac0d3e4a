"""What happens in a storm: a table of acts, each with its weight."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.playground.github.errors import ApiError
from tests.soak import merge_acts, odd_acts
from tests.soak.ground import ENV, PUSHING_BOT, PullOf, is_open, now, resource
from tests.soak.scene import Scene, next_number

Do = Callable[[Scene], Awaitable[bool]]
_CODE_SHARE = 0.6
"""The part of the pull requests that changes the module."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One kind of event; `do` returns whether there was anything to do it to."""

    name: str
    weight: int
    do: Do


async def open_pull(scene: Scene) -> bool:
    """Open a pull request; most of them change the module."""
    if len(scene.pulls) >= scene.most_pulls:
        return False
    repo = scene.chance.choice(scene.repos)
    pull = PullOf(
        repo=repo,
        number=0,
        branch=f"change-{next_number()}",
        touches_code=scene.chance.random() < _CODE_SHARE,
    )
    made = await scene.github.open_pull(
        repo.full_name,
        author=scene.someone(),
        branch=pull.branch,
        files=pull.files(scene.value()),
        draft=scene.chance.random() < 0.05,
    )
    pull.number = made.number
    pull.heads.append(made.head_sha)
    scene.pulls.append(pull)
    return True


async def push(scene: Scene) -> bool:
    """Push another commit."""
    return await _push(scene, scene.someone())


async def push_as_a_bot(scene: Scene) -> bool:
    """Push another commit as an App does."""
    return await _push(scene, PUSHING_BOT)


async def _push(scene: Scene, author: str) -> bool:
    pull = scene.open_pull()
    if pull is None:
        return False
    sha = await scene.github.push(pull.repo.full_name, pull.branch, pull.files(scene.value()), author=author)
    pull.heads.append(sha)
    return True


async def force_push_back(scene: Scene) -> bool:
    """Push a head that was there before, and sometimes the newer one again at once."""
    pull = scene.open_pull(pushed=True)
    if pull is None:
        return False
    head = now(scene.github, pull).head_sha
    before = [sha for sha in pull.heads if sha != head]
    if not before:
        return False
    await scene.force_push(pull, scene.chance.choice(before))
    if scene.chance.random() < 0.3:
        await scene.force_push(pull, head)
    return True


async def force_push_from_base(scene: Scene) -> bool:
    """Replace the branch's commits by one on the tip of the base."""
    if (pull := scene.open_pull()) is None:
        return False
    side = f"side-{next_number()}"
    sha = await scene.github.push(
        pull.repo.full_name, side, pull.files(scene.value()), author=scene.someone(), start="main"
    )
    await scene.force_push(pull, sha)
    return True


async def update_branch(scene: Scene) -> bool:
    """Press "Update branch"."""
    if (pull := scene.open_pull()) is None:
        return False
    sha = await scene.github.update_branch(pull.repo.full_name, pull.number, author=scene.someone())
    pull.heads.append(sha)
    return True


async def ask_for_a_plan(scene: Scene) -> bool:
    """Comment `/plan`."""
    return await _say(scene, f"/plan {ENV}")


async def ask_for_an_apply(scene: Scene) -> bool:
    """Comment `/apply`, whether there is a plan or not."""
    return await _say(scene, f"/apply {ENV}")


async def _say(scene: Scene, body: str) -> bool:
    if (pull := scene.open_pull(code=True)) is None:
        return False
    await scene.github.comment(pull.repo.full_name, pull.number, author=scene.someone(), body=body)
    return True


async def close(scene: Scene) -> bool:
    """Close without a merge."""
    if (pull := scene.open_pull()) is None:
        return False
    await scene.github.close(pull.repo.full_name, pull.number, author=scene.someone())
    return True


async def reopen(scene: Scene) -> bool:
    """Open a closed one again."""
    closed = [
        pull for pull in scene.pulls if not is_open(scene.github, pull) and not now(scene.github, pull).merged
    ]
    if not closed:
        return False
    pull = scene.chance.choice(closed)
    await scene.github.reopen(pull.repo.full_name, pull.number, author=scene.someone())
    return True


async def review(scene: Scene) -> bool:
    """Approve, or ask for changes."""
    if (pull := scene.open_pull()) is None:
        return False
    state = scene.chance.choice(["approved", "approved", "changes_requested"])
    await scene.github.review(
        pull.repo.full_name, pull.number, author=scene.someone(), state=state, body="As I see it"
    )
    return True


async def push_to_base(scene: Scene) -> bool:
    """Push to the default branch without a pull request."""
    repo = scene.chance.choice(scene.repos)
    text = resource("of_main", scene.value())
    await scene.github.push(repo.full_name, "main", {"terraform/of_main.tf": text}, author=scene.someone())
    return True


async def become_ready(scene: Scene) -> bool:
    """Mark a draft as ready."""
    drafts = [pull for pull in scene.pulls if is_open(scene.github, pull) and now(scene.github, pull).draft]
    if not drafts:
        return False
    pull = scene.chance.choice(drafts)
    await scene.github.mark_ready(pull.repo.full_name, pull.number, author=scene.someone())
    return True


ACTS: tuple[Act, ...] = (
    Act(name="open", weight=34, do=open_pull),
    Act(name="push", weight=9, do=push),
    Act(name="bot pushes", weight=3, do=push_as_a_bot),
    Act(name="force-push back", weight=6, do=force_push_back),
    Act(name="force-push from base", weight=3, do=force_push_from_base),
    Act(name="update branch", weight=3, do=update_branch),
    Act(name="/plan", weight=3, do=ask_for_a_plan),
    Act(name="/apply", weight=6, do=ask_for_an_apply),
    Act(name="merge", weight=4, do=merge_acts.merge),
    Act(name="bot merges", weight=2, do=merge_acts.merge_as_a_bot),
    Act(name="enable auto-merge", weight=2, do=merge_acts.enable_auto_merge),
    Act(name="auto-merge", weight=2, do=merge_acts.auto_merge),
    Act(name="queue", weight=4, do=merge_acts.queue),
    Act(name="merge the queue", weight=4, do=merge_acts.merge_queue),
    Act(name="revert button", weight=2, do=merge_acts.revert),
    Act(name="close", weight=3, do=close),
    Act(name="reopen", weight=2, do=reopen),
    Act(name="review", weight=6, do=review),
    Act(name="push to base", weight=2, do=push_to_base),
    Act(name="ready", weight=2, do=become_ready),
    Act(name="re-request a check", weight=2, do=odd_acts.rerequest_check),
    Act(name="re-request a suite", weight=2, do=odd_acts.rerequest_suite),
    Act(name="rename", weight=2, do=odd_acts.rename),
    Act(name="delete an account", weight=1, do=odd_acts.delete_account),
    Act(name="lose", weight=4, do=odd_acts.lose),
    Act(name="double", weight=4, do=odd_acts.double),
)
"""Without the reports of other programs, of which each storm has a number of its own."""
REPORT = Act(name="report", weight=0, do=odd_acts.report)


async def play(act: Act, scene: Scene) -> bool:
    """Do it; False where there is nothing to do it to, or GitHub refuses it, as it refuses a person."""
    try:
        return await act.do(scene)
    except ApiError:
        return False
