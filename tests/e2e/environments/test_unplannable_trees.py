"""Trees in which Terraform would see less than people do: none of them is planned, so nothing is destroyed by one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.playground.watch import Heard
from tests.e2e.world import DEV, OWNER, STAGING, World

TEST = "envs/test.tfvars"
_POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    "size 12345\n"
)
_CALL = 'module "app" {\n  source = "./modules/app"\n}\n'
_CALLED = 'resource "terraform_data" "app" {\n  count = 3\n  input = "app"\n}\n'
_BARE = 'terraform {\n  required_version = ">= 1.0"\n}\n'
_SUBMODULE = f"160000 {'1' * 40}"


async def test_a_module_without_its_files_destroys_nothing(town: World) -> None:
    # Given a pull request that has test by itself, and staging as somebody has asked for it,
    number = await town.open(
        {"terraform/more.tf": _CALLED, STAGING: await town.staging("Standing")}, branch="more"
    )
    await town.hear(number, kind="apply", env="test", status="applied")
    await town.told(number)
    await town.applied(number)
    standing = {env: _addresses(town.state(env)) for env in ("test", "staging")}
    assert all(standing.values())

    # when all files of its module are moved away and a README stays,
    await town.push({**await _moved_away(town, "more"), "terraform/README.md": "# Moved\n"}, branch="more")

    # then no environment is planned, and each is told what is missing and how a stack is taken down,
    for env in ("test", "staging"):
        failed = await town.hear(number, kind="plan", env=env, status="failed")
        assert failed.header["reason"] == "no_configuration"
        assert "`terraform`" in failed.body
        assert "only its `terraform` and `provider` blocks" in failed.body
    await town.told(number)
    assert {env: _addresses(town.state(env)) for env in standing} == standing
    assert town.runs(kind="destroy") == []
    # also when somebody asks, or wants something in or out of the state,
    for command in (
        "/plan staging",
        "/import staging terraform_data.app[0] 1",
        "/state rm staging terraform_data.app",
    ):
        await town.comment(number, command)
        failed = await town.hear(number, kind="plan", env="staging", status="failed")
        assert failed.header["reason"] == "no_configuration"
        await town.told(number)

    # and when it is merged, staging stays as it is, and the closeout says why.
    await town.github.merge(town.repo, number, author=DEV)
    said = await town.hear(number, kind="closeout", status="merged")
    await town.hear(number, kind="destroy", env="test", status="destroyed")
    await town.told(number)
    said = town.watch(number).reread(said)
    assert "has no Terraform configuration" in _row(said, "staging")
    assert _addresses(town.state("staging")) == standing["staging"]
    # What test is given back by is what was applied there last.
    assert _addresses(town.state("test")) == []


async def test_merge_alone_of_a_module_without_its_files_destroys_nothing(town: World) -> None:
    # Given staging as another pull request has left it,
    number, _ = await town.open_planned("Standing", branch="standing")
    await town.applied(number)
    await town.github.merge(town.repo, number, author=DEV)
    await town.told(number)
    standing = _addresses(town.state())

    # when all files of the module are moved away, and it is merged without a word,
    number = await town.open({**await _moved_away(town), "terraform/README.md": "# Moved\n"}, branch="away")
    await town.hear(number, kind="plan", env="staging", status="failed")
    await town.told(number)
    await town.github.merge(town.repo, number, author=DEV)

    # then nothing is destroyed,
    said = await town.hear(number, kind="closeout", status="merged")
    await town.told(number)
    assert "has no Terraform configuration" in _row(said, "staging")
    assert _addresses(town.state()) == standing
    assert town.locks() == []
    # and to look for drift there is refused as well.
    await town.comment(number, "/drift staging")
    said = await town.hear(number, kind="drift", env="staging", status="failed")
    assert "has no Terraform configuration" in said.body
    await town.told(number)


async def test_a_called_module_that_became_a_submodule_destroys_nothing(town: World) -> None:
    # Given staging with a module that it calls,
    number = await town.open(
        {
            "terraform/app.tf": _CALL,
            "terraform/modules/app/main.tf": _CALLED,
            STAGING: await town.staging("Standing"),
        },
        branch="app",
    )
    await town.hear(number, kind="plan", env="staging", status="planned")
    await town.hear(number, kind="apply", env="test", status="applied")
    await town.told(number)
    await town.applied(number)
    await town.github.merge(town.repo, number, author=DEV)
    await town.told(number)
    standing = _addresses(town.state())
    assert [address for address in standing if address.startswith("module.app")]

    # when the module is turned into a submodule,
    await commit(
        town,
        "sub",
        {"terraform/modules/app/main.tf": None, "terraform/modules/app": _SUBMODULE},
    )
    number = (await town.github.open_pull(town.repo, author=DEV, branch="sub")).number

    # then it is not planned, its path is named with what to do instead,
    failed = await town.hear(number, kind="plan", env="staging", status="failed")
    assert failed.header["reason"] == "unfetched_content"
    assert "terraform/modules/app" in failed.body
    assert "pin it as a module source instead" in failed.body
    await town.told(number)
    # and a merge destroys nothing.
    await town.github.merge(town.repo, number, author=DEV)
    said = await town.hear(number, kind="closeout", status="merged")
    await town.told(number)
    assert "Submodule `terraform/modules/app`" in _row(said, "staging")
    assert _addresses(town.state()) == standing


async def test_pointer_to_large_file_is_not_taken_for_the_file(town: World) -> None:
    # Given a pull request in which a file that the module reads is a pointer of Git LFS,
    reads = 'output "motd" {\n  value = file("${path.module}/motd.txt")\n}\n'
    number = await town.open(
        {"terraform/motd.tf": reads, "terraform/motd.txt": _POINTER, "docs/big.txt": _POINTER}, branch="lfs"
    )
    # when it is planned by itself,
    failed = await town.hear(number, kind="plan", env="staging", status="failed")
    # then it is refused with the path, and with that one only.
    assert failed.header["reason"] == "unfetched_content"
    assert "terraform/motd.txt" in failed.body
    assert "docs/big.txt" not in failed.body
    assert "Git LFS" in failed.body
    await town.told(number)
    # And with the file itself it is planned.
    await town.push({"terraform/motd.txt": "Good morning\n"}, branch="lfs")
    await town.hear(number, kind="plan", env="staging", status="planned")
    await town.told(number)


async def test_stack_is_taken_down_by_a_plan_that_shows_it(town: World) -> None:
    # Given staging as another pull request has left it,
    number, _ = await town.open_planned("Standing", branch="standing")
    await town.applied(number)
    await town.github.merge(town.repo, number, author=DEV)
    await town.told(number)
    count = len(_addresses(town.state()))

    # when only a `terraform` block is left of the module,
    number = await town.open({**await _moved_away(town), "terraform/main.tf": _BARE}, branch="down")

    # then the plan shows what it destroys, and its apply destroys it.
    plan = await town.hear(number, kind="plan", env="staging", status="planned")
    assert f"{count} to destroy" in plan.body
    await town.told(number)
    await town.comment(number, "/apply staging", by=OWNER)
    await town.hear(number, kind="apply", env="staging", status="applied")
    await town.told(number)
    assert _addresses(town.state()) == []


async def commit(world: World, branch: str, entries: Mapping[str, str | None]) -> None:
    """Commit on a new branch what only git can: mode and object per path, None to remove it."""
    git = world.github._hub.git(world.github.repo(world.repo))
    index = {"GIT_INDEX_FILE": str(git.path / f"{branch}.index")}
    await git.git("read-tree", "main", extra=index)
    nothing = f"0 {'0' * 40}"
    lines = (f"{entry or nothing}\t{path}\n" for path, entry in entries.items())
    await git.git("update-index", "--index-info", stdin="".join(lines).encode(), extra=index)
    tree = await git.git("write-tree", extra=index)
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "dev"), ("EMAIL", "dev@example.com"))
    }
    made = await git.git("commit-tree", tree, "-p", "main", "-m", "As only git can", extra=who)
    await git.git("update-ref", f"refs/heads/{branch}", made)


async def _moved_away(world: World, branch: str = "main") -> dict[str, str | None]:
    """Return the change that moves every file of the module itself into another directory."""
    git = world.github._hub.git(world.github.repo(world.repo))
    names = (await git.git("ls-tree", "-r", "--name-only", branch, "--", "terraform/")).splitlines()
    files = [name for name in names if re.fullmatch(r"terraform/[^/]+\.tf", name)]
    moved: dict[str, str | None] = dict.fromkeys(files)
    for name in files:
        moved[name.replace("terraform/", "old/")] = await world.read(name, branch)
    return moved


def _addresses(state: Mapping[str, Any]) -> list[str]:
    return sorted(
        ".".join(filter(None, (each.get("module"), each["type"], each["name"])))
        for each in state["resources"]
        if each["mode"] == "managed"
        for _ in each["instances"]
    )


def _row(said: Heard, env: str) -> str:
    [row] = [line for line in said.body.splitlines() if line.startswith(f"| {env} |")]
    return row
