"""What else happens in a storm: the checks of others, accounts that change, deliveries that go wrong."""

from __future__ import annotations

from bot.playground.github.check_lifecycle import latest
from tests.soak.ground import now
from tests.soak.scene import Scene, next_number

_APP = "ci"


async def report(scene: Scene) -> bool:
    """Let another program report on a commit, again and again: an older one by a status, an App by a check run."""
    if not scene.pulls:
        return False
    chance, github, pull = scene.chance, scene.github, scene.chance.choice(scene.pulls)
    name, sha, number = pull.repo.full_name, chance.choice(pull.heads), chance.randrange(6)
    if chance.random() < 0.5:
        state = chance.choice(["pending", "success", "failure"])
        await github.report_status(name, sha, context=f"ci/{number}", state=state, author=scene.someone())
    else:
        conclusion = chance.choice(["success", "failure", "neutral"])
        await github.report_check(name, sha, name=f"build {number}", conclusion=conclusion, app=_APP)
    return True


async def rerequest_check(scene: Scene) -> bool:
    """Follow the re-run link beside one of our check runs."""
    if (pull := scene.open_pull(code=True)) is None:
        return False
    runs = scene.github.check_runs(pull.repo.full_name, now(scene.github, pull).head_sha)
    ours = [run for run in latest(runs) if not run.app and run.status == "completed"]
    if not ours:
        return False
    await scene.github.rerequest(scene.chance.choice(ours).id, author=scene.someone())
    pull.asked_again += 1
    return True


async def rerequest_suite(scene: Scene) -> bool:
    """Press "Re-run all checks"."""
    if (pull := scene.open_pull(code=True)) is None:
        return False
    head = now(scene.github, pull).head_sha
    await scene.github.rerequest_suite(pull.repo.full_name, head, author=scene.someone())
    pull.asked_again += 1
    return True


async def rename(scene: Scene) -> bool:
    """Rename somebody; sometimes another person takes the login."""
    place = scene.chance.randrange(len(scene.people))
    old, new = scene.people[place], f"renamed-{next_number()}"
    scene.github.rename_account(old, new)
    scene.people[place] = new
    if scene.chance.random() < 0.3:
        await _join(scene, old)
    return True


async def delete_account(scene: Scene) -> bool:
    """Delete somebody's account, in whose place another person comes."""
    gone = scene.people.pop(scene.chance.randrange(len(scene.people)))
    scene.github.delete_account(gone)
    await _join(scene, f"joined-{next_number()}")
    return True


async def _join(scene: Scene, login: str) -> None:
    await scene.github.add_user(login)
    for repo in scene.repos:
        scene.github.set_permission(repo.full_name, login, "write")
    scene.people.append(login)


async def lose(scene: Scene) -> bool:
    """Let the next delivery fail."""
    scene.github.hooks.lose_next()
    return True


async def double(scene: Scene) -> bool:
    """Let the next delivery come twice."""
    scene.github.hooks.duplicate_next()
    return True
