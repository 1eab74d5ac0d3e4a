"""Where `gatewright local` works: one command at a time in a directory of the checkout, and nothing left there."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain.errors import GatewrightError
from bot.domain.model import EnvName, ProjectName, Stack, StateKey
from bot.local.place import working_place
from bot.ports import OVERRIDE_FILE


def stack(env: str, project: str = "default", directory: str = "terraform") -> Stack:
    return Stack(
        repo="local/site",
        project=ProjectName(project),
        env=EnvName(env),
        state_key=StateKey(f"{env}/{project}.tfstate"),
        directory=directory,
        var_file=None,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("terraform", "network"):
        (tmp_path / "site" / name).mkdir(parents=True)
    return tmp_path / "site"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(stack("dev"), id="the same environment"),
        pytest.param(stack("test"), id="another environment of the same code"),
        pytest.param(stack("dev", "second"), id="another project of the same code"),
        pytest.param(stack("test", directory="./terraform/../terraform"), id="the same code by another path"),
    ],
)
def test_the_backend_file_of_a_command_is_not_touched_by_another_one(
    tmp_path: Path, root: Path, other: Stack
) -> None:
    backend = root / "terraform" / OVERRIDE_FILE
    with working_place(tmp_path / "cache", root, stack("dev")):
        backend.write_text("the state of dev")

        with pytest.raises(GatewrightError, match="works in"), working_place(tmp_path / "cache", root, other):
            backend.write_text("the state of test")

        assert backend.read_text() == "the state of dev"


def test_code_in_two_directories_is_worked_on_at_the_same_time(tmp_path: Path, root: Path) -> None:
    with (
        working_place(tmp_path / "cache", root, stack("dev")) as first,
        working_place(tmp_path / "cache", root, stack("dev", "network", "network")) as second,
    ):
        assert first.data_dir != second.data_dir


def test_each_environment_keeps_its_data_directory(tmp_path: Path, root: Path) -> None:
    places = []
    for env in ("dev", "test", "dev"):
        with working_place(tmp_path / "cache", root, stack(env)) as slot:
            places.append(slot.data_dir)

    assert places[0] == places[2] != places[1]
