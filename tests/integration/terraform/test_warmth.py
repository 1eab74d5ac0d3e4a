from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bot.adapters.terraform.warmth import LARGEST_CODE, code_texts, has_moving_modules, inputs_digest, wipe

ENGINE = ("terraform", "1.11.4")
PINNED = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    module = tmp_path / "tree" / "terraform"
    module.mkdir(parents=True)
    (tmp_path / "data" / "modules").mkdir(parents=True)
    (module / "main.tf").write_text('module "part" {\n  source = "../part"\n}\n')
    return tmp_path / "tree"


def manifest(tree: Path, *modules: dict[str, str]) -> Path:
    data = tree.parent / "data"
    records = [{"Key": "", "Source": "", "Dir": "."}, *modules]
    (data / "modules" / "modules.json").write_text(json.dumps({"Modules": records}))
    return data


def digest(tree: Path, *, backend: str = "b", engine: tuple[str, str] = ENGINE) -> str:
    return inputs_digest(tree, tree / "terraform", tree.parent / "data", backend=backend, engine=engine)


@pytest.mark.parametrize(
    ("source", "moving"),
    [
        ("./part", False),
        ("../part", False),
        (f"git::https://git.example/m.git?ref={PINNED}", False),
        (f"git::https://git.example/m.git?depth=1&ref={PINNED}", False),
        ("git::https://git.example/m.git?ref=v1.2.3", True),
        ("git::https://git.example/m.git", True),
        ("registry.terraform.io/acme/vpc/aws", True),
    ],
)
def test_only_what_can_change_at_its_address_is_fetched_again(
    tree: Path, source: str, *, moving: bool
) -> None:
    data = manifest(tree, {"Key": "part", "Source": source, "Dir": "part"})

    assert has_moving_modules(data) is moving


def test_a_missing_or_broken_manifest_moves_nothing(tree: Path) -> None:
    data = tree.parent / "data"
    without = has_moving_modules(data)
    (data / "modules" / "modules.json").write_text("[")

    assert (without, has_moving_modules(data)) == (False, False)


def test_the_digest_follows_what_init_depends_on_and_nothing_else(tree: Path) -> None:
    part = tree / "part"
    part.mkdir()
    (part / "main.tf").write_text('resource "terraform_data" "a" {}\n')
    manifest(tree, {"Key": "part", "Source": "../part", "Dir": "../part"})
    first = digest(tree)

    (part / "main.tf").write_text('resource "terraform_data" "b" {}\n')
    after_a_resource = digest(tree)
    (part / "main.tf").write_text('module "deep" {\n  source = "./deep"\n}\n')
    after_a_module = digest(tree)
    (tree / "terraform" / ".terraform.lock.hcl").write_text("# changed\n")
    after_the_lock_file = digest(tree)

    assert after_a_resource == first
    assert len({first, after_a_module, after_the_lock_file}) == 3
    assert digest(tree, backend="c") != after_the_lock_file
    assert digest(tree, engine=("terraform", "1.12.0")) != after_the_lock_file


def test_wiping_follows_no_links(tree: Path) -> None:
    data = tree.parent / "data"
    (data / "link").symlink_to(tree)
    (data / "file").write_text("x")

    wipe(data)

    assert list(data.iterdir()) == []
    assert (tree / "terraform" / "main.tf").exists()


def test_code_without_end_is_passed_over(tree: Path) -> None:
    module = tree / "terraform"
    for name in ("huge.tf", "huge.tofu"):
        (module / name).touch()
        os.truncate(module / name, LARGEST_CODE)
    (module / "late.tf").write_text("locals {}\n")

    texts = dict(code_texts(module))

    assert {name: len(text) for name, text in texts.items()} == {
        "huge.tf": LARGEST_CODE,
        "huge.tofu": 0,
        "late.tf": 0,
        "main.tf": 0,
    }
