"""Where `gatewright local` works: in a place of each stack's own, with a copy of what the stack is made of."""

from __future__ import annotations

from pathlib import Path
from stat import S_IMODE

import pytest

from bot.adapters.workspace.git import Git
from bot.domain.core.errors import GatewrightError
from bot.domain.core.model import EnvName, ProjectName, Stack, StateKey
from bot.local.place import keep_lock_file, lay_out, working_place
from bot.local.source import working_tree
from bot.policy import load_policy
from bot.ports import OVERRIDE_FILE
from bot.services.stacks.touched import input_tree

POLICY = load_policy("""
version: 1
terraform: {version: "1.11.4"}
environments:
  dev: {state_key: dev.tfstate, var_file: envs/dev.tfvars, trigger: local}
  prod: {state_key: prod.tfstate, var_file: envs/prod.tfvars}
""")
FILES = {
    "terraform/main.tf": 'module "net" { source = "../modules/net" }\n',
    "modules/net/main.tf": 'output "x" { value = 1 }\n',
    "shared/x.json": "{}\n",
    "envs/dev.tfvars": "",
    "envs/prod.tfvars": "",
    "gatewright.yaml": "",
}


def stack(env: str, project: str = "default", directory: str = "terraform") -> Stack:
    return Stack(
        repo="local/site",
        project=ProjectName(project),
        env=EnvName(env),
        state_key=StateKey(f"{env}/{project}.tfstate"),
        directory=directory,
        var_file=f"envs/{env}.tfvars",
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        file = tmp_path / "site" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "site"


async def laid_out(tmp_path: Path, root: Path, env: str = "dev") -> set[str]:
    """Lay a stack out in its place; returns the files that are there then."""
    with working_place(tmp_path / "cache", root, stack(env)) as slot:
        lay_out(slot, root, input_tree(POLICY, stack(env), await working_tree(root)))
        return {
            str(path.relative_to(slot.tree))
            for path in slot.tree.rglob("*")
            if path.is_symlink() or path.is_file()
        }


@pytest.mark.parametrize("env", ["dev", "prod"])
async def test_what_counts_is_copied_with_its_own_var_file(tmp_path: Path, root: Path, env: str) -> None:
    assert await laid_out(tmp_path, root, env) == {
        "terraform/main.tf",
        "modules/net/main.tf",
        f"envs/{env}.tfvars",
    }


async def test_what_git_ignores_is_not_copied_and_the_rest_is(tmp_path: Path, root: Path) -> None:
    # Given a checkout with a file that is committed nowhere yet, and some that git ignores,
    await Git(home=tmp_path).run("making a repository", "init", "--quiet", cwd=root)
    (root / ".gitignore").write_text("*.log\nbuild/\n")
    (root / "terraform" / "new.tf").write_text("")
    (root / "terraform" / "debug.log").write_text("")
    (root / "terraform" / "build").mkdir()
    (root / "terraform" / "build" / "x.zip").write_text("")

    found = await laid_out(tmp_path, root)

    # then what could be committed is there, as it is on the disk.
    assert {path for path in found if path.startswith("terraform")} == {
        "terraform/main.tf",
        "terraform/new.tf",
    }


async def test_a_file_that_is_deleted_but_committed_is_gone(tmp_path: Path, root: Path) -> None:
    git = Git(home=tmp_path)
    await git.run("making a repository", "init", "--quiet", cwd=root)
    await git.run("adding", "add", "--all", cwd=root)
    (root / "terraform" / "main.tf").rename(root / "terraform" / "other.tf")

    assert "terraform/main.tf" not in await laid_out(tmp_path, root)
    assert "terraform/other.tf" in await laid_out(tmp_path, root)


async def test_links_are_copied_with_what_they_stand_for(tmp_path: Path, root: Path) -> None:
    (root / "terraform" / "x.json").symlink_to("../shared/x.json")

    assert {"terraform/x.json", "shared/x.json"} <= await laid_out(tmp_path, root)


async def test_permissions_are_those_of_the_bots_checkout(tmp_path: Path, root: Path) -> None:
    # Given a checkout of somebody whose files belong to a group, or to nobody else,
    (root / "terraform" / "main.tf").chmod(0o664)
    (root / "modules" / "net" / "main.tf").chmod(0o700)
    (root / "terraform").chmod(0o775)

    with working_place(tmp_path / "cache", root, stack("dev")) as slot:
        lay_out(slot, root, input_tree(POLICY, stack("dev"), await working_tree(root)))
        modes = {
            path: S_IMODE((slot.tree / path).stat().st_mode)
            for path in ("terraform", "terraform/main.tf", "modules/net", "modules/net/main.tf")
        }

    # then what code packs here is what it packs in the bot's checkout.
    assert modes == {
        "terraform": 0o755,
        "terraform/main.tf": 0o644,
        "modules/net": 0o755,
        "modules/net/main.tf": 0o755,
    }


async def test_a_link_that_leads_out_of_the_checkout_is_refused(tmp_path: Path, root: Path) -> None:
    (root / "terraform" / "x.json").symlink_to("../../elsewhere.json")

    with pytest.raises(GatewrightError, match=r"terraform/x\.json leads out of the checkout"):
        await laid_out(tmp_path, root)


async def test_what_an_earlier_command_left_is_removed(tmp_path: Path, root: Path) -> None:
    with working_place(tmp_path / "cache", root, stack("dev")) as slot:
        (slot.tree / "terraform").mkdir()
        (slot.tree / "terraform" / "made.tf").write_text("")
        (slot.tree / "terraform" / "main.tf").symlink_to("/etc/passwd")
        (slot.tree / "shared").mkdir()

    assert "terraform/made.tf" not in await laid_out(tmp_path, root)
    assert not (slot.tree / "terraform" / "main.tf").is_symlink()


def test_state_that_could_not_be_saved_is_kept_and_said(tmp_path: Path, root: Path) -> None:
    # Given a place where Terraform has left a state,
    with working_place(tmp_path / "cache", root, stack("dev")) as slot:
        lost = slot.tree / "terraform" / "errored.tfstate"
        lost.parent.mkdir()
        lost.write_text("{}")

    # when the next command begins there, then it does nothing but say where it is.
    with (
        pytest.raises(GatewrightError, match=r"errored\.tfstate holds a state of dev") as refused,
        working_place(tmp_path / "cache", root, stack("dev")),
    ):
        pass
    assert str(lost) in str(refused.value)
    assert lost.read_text() == "{}"

    # and when it was deleted, the place can be used again.
    lost.unlink()
    with working_place(tmp_path / "cache", root, stack("dev")):
        pass


async def test_a_state_in_the_checkout_is_not_copied(tmp_path: Path, root: Path) -> None:
    (root / "terraform" / "errored.tfstate").write_text("{}")

    assert "terraform/errored.tfstate" not in await laid_out(tmp_path, root)
    assert "terraform/errored.tfstate" not in await laid_out(tmp_path, root)


def test_one_command_at_a_time_works_on_a_stack(tmp_path: Path, root: Path) -> None:
    with (
        working_place(tmp_path / "cache", root, stack("dev")),
        pytest.raises(GatewrightError, match="is using dev"),
        working_place(tmp_path / "cache", root, stack("dev")),
    ):
        pass


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(stack("test"), id="another environment of the same code"),
        pytest.param(stack("dev", "second"), id="another project of the same code"),
        pytest.param(stack("dev", "network", "network"), id="other code"),
    ],
)
def test_stacks_have_places_of_their_own(tmp_path: Path, root: Path, other: Stack) -> None:
    with working_place(tmp_path / "cache", root, stack("dev")) as first:
        backend = first.tree / "terraform" / OVERRIDE_FILE
        backend.parent.mkdir()
        backend.write_text("the state of dev")

        with working_place(tmp_path / "cache", root, other) as second:
            assert (first.tree, first.data_dir) != (second.tree, second.data_dir)

        assert backend.read_text() == "the state of dev"


def test_stack_is_worked_on_at_the_same_place_each_time(tmp_path: Path, root: Path) -> None:
    places = []
    for env in ("dev", "test", "dev"):
        with working_place(tmp_path / "cache", root, stack(env)) as slot:
            places.append((slot.tree, slot.data_dir))

    assert places[0] == places[2] != places[1]


def test_a_new_lock_file_is_put_into_the_checkout(root: Path) -> None:
    file = root / "terraform" / ".terraform.lock.hcl"

    written = [keep_lock_file(root, stack("dev"), text) for text in (None, "first", "second")]

    assert written == [None, file, None]
    assert file.read_text() == "first"
