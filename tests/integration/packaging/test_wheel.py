from __future__ import annotations

import asyncio
import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCES = ("bot", "handlers", "terraform", "envs", "tests/data/github")
FILES = ("pyproject.toml", "README.md", "LICENSE", "gatewright.yaml")
PRINT_SEED = """
import json, sys
from bot.playground.seed import files
from bot.playground.stack import SPEC
json.dump({"files": files("1.0.0"), "spec": SPEC.is_file()}, sys.stdout)
"""


async def run(*argv: str, cwd: Path, path: Path | None = None) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), "PIP_NO_INDEX": "1"}  # noqa: TID251 - pip needs PATH
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *argv),
        cwd=cwd,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


def copy_sources(to: Path) -> None:
    """Building writes beside the sources, and a checkout should stay as it is."""
    left_out = shutil.ignore_patterns("__pycache__", ".terraform", "*.egg-info")
    for folder in SOURCES:
        shutil.copytree(ROOT / folder, to / folder, symlinks=True, ignore=left_out)
    for name in FILES:
        shutil.copy(ROOT / name, to / name)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with what the wheel installs, and nothing of the checkout."""
    place = tmp_path_factory.mktemp("wheel")
    copy_sources(place / "src")
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(place / "dist"))
    asyncio.run(run("-m", "pip", "wheel", *options, str(place / "src"), cwd=place))
    (wheel,) = (place / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place / "installed")
    return place / "installed"


def test_every_file_that_a_module_reads_is_in_the_wheel(unpacked: Path) -> None:
    needed = {
        str(path.relative_to(ROOT))
        for package in ("bot", "handlers")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert {name for name in needed if not (unpacked / name).is_file()} == set()


async def test_an_installed_playground_has_the_checkouts_reference_module(
    unpacked: Path, tmp_path: Path
) -> None:
    installed = await run("-c", PRINT_SEED, cwd=tmp_path, path=unpacked)
    checkout = await run("-c", PRINT_SEED, cwd=tmp_path, path=ROOT)

    assert installed == checkout
    assert '"terraform/site.tf"' in installed
    assert '"spec": true' in installed


async def test_an_installed_program_brings_a_database_up_to_date(unpacked: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    program = f"import os, sys; os.environ['GATEWRIGHT_DATABASE_URL'] = {url!r}; sys.argv = ['gatewright', 'migrate']; from bot.cli.main import main; main()"

    said = await run("-c", program, cwd=tmp_path, path=unpacked)

    assert "up to date" in said
