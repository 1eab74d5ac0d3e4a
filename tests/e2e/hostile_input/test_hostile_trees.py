"""Pull requests whose files would redirect Terraform, or whose code comes from strangers."""

from __future__ import annotations

import asyncio

from tests.e2e.hostile_input.scene import Scene, state_bytes
from tests.e2e.world import OUTSIDER, STAGING, World, state_objects

_BACKEND = 'terraform {\n  backend "local" {\n    path = "/tmp/stolen.tfstate"\n  }\n}\n'
_CLOUD = 'terraform {\n  cloud {\n    organization = "thieves"\n  }\n}\n'
_JSON = '{"terraform": [{"backend": {"local": {"path": "/tmp/stolen.tfstate"}}}]}'


_REDIRECTING = {
    "terraform/zzz_override.tf": _BACKEND,
    "terraform/zzzzz_override.tf": _CLOUD,
    "terraform/zzz_override.tf.json": _JSON,
    "terraform/override.tf": _BACKEND,
    "terraform/zzzz_gatewright_backend_override.tf": "# Nothing.\n",
    "terraform/.terraform/terraform.tfstate": "{}",
    "terraform/.terraform/modules/modules.json": "{}",
}
"""Each is refused alone as well: `tests/integration/workspace/test_tree_rules.py`."""


async def test_files_that_would_redirect_the_state_are_refused_by_name(scene: Scene) -> None:
    # Given a pull request that changes staging and brings such files,
    world = scene.world
    number = await world.open({**_REDIRECTING, STAGING: await world.staging("Redirected")})
    # When it is planned by itself,
    failed = await world.hear(number, kind="plan", env="staging", status="failed")
    # Then the plan fails before Terraform starts, and names each file.
    assert failed.header["reason"] == "unsafe_tree"
    assert [path for path in _REDIRECTING if path not in failed.body.replace("\\_", "_")] == []
    await world.told(number)
    effects = await scene.effects()
    assert (effects.states, effects.page, effects.locks) == (scene.before.states, scene.before.page, [])
    # And there is nothing to apply.
    await scene.remember()
    await scene.refusal(number, "/apply staging", "no_plan")


async def test_a_symbolic_link_that_leaves_the_tree_is_refused(scene: Scene) -> None:
    # Given a branch on which a file is a link to a file of the machine,
    world = scene.world
    await link(world, "terraform/passwords.txt", "../../../../../../../../etc/passwd")
    number = (await world.github.open_pull(world.repo, author="dev", branch="linked")).number
    # When it is planned by itself,
    failed = await world.hear(number, kind="plan", env="staging", status="failed")
    # Then the plan fails, and names the link.
    assert failed.header["reason"] == "unsafe_tree"
    assert "terraform/passwords.txt" in failed.body
    await world.told(number)
    assert (await scene.effects()).states == scene.before.states


async def link(world: World, path: str, target: str) -> None:
    """Commit a symbolic link on a branch of its own, as only git can."""
    git = world.github._hub.git(world.github.repo(world.repo))
    blob = await git.git("hash-object", "-w", "--stdin", stdin=target.encode())
    index = {"GIT_INDEX_FILE": str(git.path / "linked.index")}
    await git.git("read-tree", "main", extra=index)
    await git.git("update-index", "--add", "--cacheinfo", f"120000,{blob},{path}", extra=index)
    tree = await git.git("write-tree", extra=index)
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "dev"), ("EMAIL", "dev@example.com"))
    }
    commit = await git.git("commit-tree", tree, "-p", "main", "-m", "A link", extra=who)
    await git.git("update-ref", "refs/heads/linked", commit)


async def test_a_backend_that_the_module_declares_is_not_used(scene: Scene) -> None:
    # Given a state, and a push after which the module wants it in a local file,
    world = scene.world
    name = world.repo.partition("/")[2]
    number, _ = await world.open_planned("First")
    await world.applied(number)
    changes = {
        "terraform/backend.tf": 'terraform {\n  backend "local" {\n    path = "mine.tfstate"\n  }\n}\n',
        STAGING: await world.staging("State in its place"),
    }
    head = await world.push(changes)
    await world.hear(number, kind="plan", env="staging", status="planned", head=head)
    await world.told(number)
    # When it is applied,
    await world.applied(number)
    # Then the state is in the bucket, under the key of the policy, and in no file.
    key = f"staging/{name}/terraform.tfstate"
    assert b"State in its place" in await asyncio.to_thread(state_bytes, world.playground, key)
    assert await asyncio.to_thread(files_named, world, "mine.tfstate") == []


def files_named(world: World, name: str) -> list[str]:
    return [str(path) for path in (world.playground.directory / "bot").rglob(name)]


async def test_nothing_runs_for_a_fork(scene: Scene) -> None:
    # Given a pull request from an outsider's fork, When it is opened and pushed to,
    world = scene.world
    pull = await world.github.open_pull(
        world.repo,
        author=OUTSIDER,
        branch="gift",
        fork=OUTSIDER,
        files={
            STAGING: await world.staging("A gift"),
            "terraform/gift.tf": 'output "gift" {\n  value = 1\n}\n',
        },
    )
    number = pull.number
    heard = await world.refused(number, "fork")
    await world.idle()
    fork = f"{OUTSIDER}/{world.repo.partition('/')[2]}"
    await world.github.push(fork, "gift", {STAGING: await world.staging("Another gift")}, author=OUTSIDER)
    # Then one comment says that nothing runs, and nothing does.
    await scene.nothing_happened()
    assert [each.id for each in world.watch(number).comments()] == [heard.id]
    # When people with every right ask for a plan or an apply, Then they are told why not.
    for line in ("/plan staging", "/apply staging"):
        await scene.refusal(number, line, "fork", by="admin")
    assert not [key for key in state_objects(world.playground) if world.repo.partition("/")[2] in key]
