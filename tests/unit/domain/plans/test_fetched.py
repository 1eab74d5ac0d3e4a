"""What was fetched for a plan has a digest, and what can move is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.hcl.sources import locked_providers, module_constraints, unhashed_providers
from bot.domain.plans.fetched import (
    ModuleRecord,
    fetched_digest,
    is_current,
    module_contents,
    module_records,
    moving_sources,
)

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LOCK = """
# This file is maintained automatically by "terraform init".
provider "registry.terraform.io/hashicorp/random" {
  version     = "3.6.0"
  constraints = "~> 3.0"
  hashes = [
    "h1:I8MBeauYA8J8yheLJ8oSMWqB0kovn16dF/wKZ1QTdkk=",
    "zh:version = \\"9.9.9\\"",
  ]
}

provider "example.org/acme/vault" {
  version = "1.0.0-rc.1"
}
"""
MADE: dict[str, Any] = {
    "modules": {"net": "1" * 64, "net.base": "2" * 64},
    "providers": {"registry.terraform.io/hashicorp/random": "3.6.0"},
    "engine": "terraform 1.11.4",
}


def record(source: str, version: str | None = None, key: str = "net") -> ModuleRecord:
    return ModuleRecord(key=key, source=source, version=version, directory=f".terraform/modules/{key}")


ROOT = ModuleRecord(key="", source="", version=None, directory=".")


def moving(*records: ModuleRecord, code: dict[str, str] | None = None) -> tuple[str, ...]:
    constraints = module_constraints(code or {})
    return moving_sources([ROOT, *records], constraints=constraints, locked=None, committed=None)


def test_the_digest_names_its_version() -> None:
    assert fetched_digest(**MADE).startswith("1:")
    assert len(fetched_digest(**MADE)) == len("1:") + 64


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"modules": {"net": "1" * 64, "net.base": "3" * 64}}, id="content of a module"),
        pytest.param({"modules": {"net": "1" * 64}}, id="a module less"),
        pytest.param({"modules": {"net": "1" * 64, "other.base": "2" * 64}}, id="a module's key"),
        pytest.param(
            {"providers": {"registry.terraform.io/hashicorp/random": "3.6.1"}}, id="a provider's version"
        ),
        pytest.param({"providers": {"example.org/hashicorp/random": "3.6.0"}}, id="a provider's address"),
        pytest.param({"engine": "tofu 1.11.4"}, id="engine"),
        pytest.param({"engine": "terraform 1.11.5"}, id="version of the engine"),
    ],
)
def test_the_digest_changes_with_what_was_fetched(other: dict[str, Any]) -> None:
    assert fetched_digest(**MADE | other) != fetched_digest(**MADE)


def test_which_directory_of_a_package_is_the_module_counts() -> None:
    def contents(directory: str) -> dict[str, str]:
        record = ModuleRecord(
            key="net", source="registry.example.org/acme/net/any", version="1.0.0", directory=directory
        )
        return module_contents({"net": "1" * 64}, [record], "/data/modules")

    assert contents("/data/modules/net/good") != contents("/data/modules/net/other")
    assert contents("/data/modules/net") != contents("/data/modules/net/good")
    assert contents("/data/modules/net/good/") == contents("/data/modules/net/good")


def test_modules_of_the_repository_itself_are_not_counted_as_fetched() -> None:
    records = [
        ModuleRecord(key="", source="", version=None, directory="."),
        ModuleRecord(key="own", source="../own", version=None, directory="../own"),
    ]

    assert module_contents({}, records, "/data/modules") == {}


@given(st.dictionaries(st.text(), st.text()), st.dictionaries(st.text(), st.text()))
def test_modules_and_providers_are_kept_apart(one: dict[str, str], other: dict[str, str]) -> None:
    left = fetched_digest(one, other, engine="terraform 1.11.4")
    right = fetched_digest(other, one, engine="terraform 1.11.4")

    assert (left == right) is (one == other)


def test_the_order_of_what_was_fetched_does_not_count() -> None:
    modules = dict(reversed(MADE["modules"].items()))

    assert fetched_digest(**MADE | {"modules": modules}) == fetched_digest(**MADE)


@pytest.mark.parametrize(
    ("digest", "expected"),
    [("1:" + "a" * 64, True), (None, False), ("", False), ("a" * 64, False), ("2:" + "a" * 64, False)],
)
def test_only_a_digest_of_this_version_can_be_compared(digest: str | None, *, expected: bool) -> None:
    assert is_current(digest) is expected


def test_chosen_providers_are_read_from_the_lock_file() -> None:
    assert locked_providers(LOCK) == {
        "registry.terraform.io/hashicorp/random": "3.6.0",
        "example.org/acme/vault": "1.0.0-rc.1",
    }


@pytest.mark.parametrize(
    ("body", "is_hashed"),
    [
        ('hashes = [\n    "h1:I8MBeauYA8J8yheLJ8oSMWqB0kovn16dF/wKZ1QTdkk=",\n  ]', True),
        ('hashes = ["zh:0123"]', True),
        ('version = "1.0.0"', False),
        ("hashes = []", False),
        ('hashes = ["h2:of a kind that nobody knows"]', False),
        ('# "h1:I8MBeauYA8J8yheLJ8oSMWqB0kovn16dF/wKZ1QTdkk="', False),
    ],
)
def test_a_provider_without_a_hash_is_found(body: str, *, is_hashed: bool) -> None:
    other = 'provider "example.org/acme/other" {\n  hashes = ["h1:other"]\n}\n'
    text = f'{other}provider "example.org/acme/toy" {{\n  {body}\n}}\n{other}'

    assert unhashed_providers(text) == (() if is_hashed else ("example.org/acme/toy",))


@given(st.text())
def test_a_lock_file_of_any_kind_is_read(text: str) -> None:
    assert isinstance(locked_providers(text), dict)
    assert isinstance(unhashed_providers(text), tuple)


@given(st.text(), st.sampled_from(["a.tf", "a.tf.json", "x/a.tofu", "a.txt"]))
def test_code_of_any_kind_is_read(text: str, path: str) -> None:
    assert isinstance(module_constraints({path: text}), dict)


def test_the_records_of_modules_are_read() -> None:
    text = json.dumps(
        {
            "Modules": [
                {"Key": "", "Source": "", "Dir": "."},
                {
                    "Key": "net",
                    "Source": "registry.terraform.io/acme/net/aws",
                    "Version": "5.1.2",
                    "Dir": ".terraform/modules/net",
                },
            ]
        }
    )

    assert module_records(text) == (ROOT, record("registry.terraform.io/acme/net/aws", "5.1.2"))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"Modules": [1]}', '{"Modules": [{"Key": 1}]}'])
def test_what_is_no_record_of_modules_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        module_records(text)


@pytest.mark.parametrize(
    "source",
    [
        "./modules/net",
        "../net",
        f"git::https://example.org/net.git?ref={COMMIT}",
        f"git::https://example.org/net.git//sub?depth=1&ref={COMMIT}",
        f"github.com/acme/net?ref={COMMIT}",
        f"hg::http://example.org/net?rev={COMMIT}",
        "https://example.org/net.zip?checksum=sha256:abcd",
        "s3::https://s3.amazonaws.com/acme/net.zip?versionId=3",
    ],
)
def test_a_pinned_module_does_not_move(source: str) -> None:
    assert moving(record(source)) == ()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param(
            "git::https://example.org/net.git?ref=main",
            "git::https://example.org/net.git?ref=main",
            id="a branch",
        ),
        pytest.param(
            "git::https://example.org/net.git?ref=v1.2.0",
            "git::https://example.org/net.git?ref=v1.2.0",
            id="a tag",
        ),
        pytest.param(
            "git::https://example.org/net.git", "git::https://example.org/net.git", id="no ref at all"
        ),
        pytest.param(
            f"git::https://example.org/net.git?ref={COMMIT[:12]}",
            f"git::https://example.org/net.git?ref={COMMIT[:12]}",
            id="the beginning of a commit",
        ),
        pytest.param(
            "git::https://example.org/net.git?checksum=x",
            "git::https://example.org/net.git",
            id="a checksum that git does not know",
        ),
        pytest.param("https://example.org/net.zip", "https://example.org/net.zip", id="an archive"),
        pytest.param(
            "git::https://bot:geheim@example.org/net.git?sshkey=geheim&ref=main",
            "git::https://example.org/net.git?ref=main",
            id="no secret is shown",
        ),
    ],
)
def test_a_module_that_can_move_is_named(source: str, said: str) -> None:
    assert moving(record(source)) == (f"module.net: {said}",)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        pytest.param('version = "5.1.2"', None, id="exact"),
        pytest.param('version = "= 5.1.2"', None, id="exact with a sign"),
        pytest.param('version = "~> 5.0"', "version ~> 5.0", id="a range"),
        pytest.param('version = ">= 5.0, < 6.0"', "version >= 5.0, < 6.0", id="two bounds"),
        pytest.param("", "any version", id="nothing"),
        pytest.param("version = var.version", "a version that is not pinned", id="no plain text"),
    ],
)
def test_a_range_of_a_registry_moves(asked: str, said: str | None) -> None:
    source = "registry.terraform.io/acme/net/aws"
    code = {"main.tf": f'module "net" {{\n  source = "acme/net/aws"\n  {asked}\n}}\n'}

    found = moving(record(source, "5.1.2"), code=code)

    assert found == (() if said is None else (f"module.net: {source}, {said} (now 5.1.2)",))


def test_range_of_a_nested_module_is_read_from_its_caller() -> None:
    outer = record(f"git::https://example.org/net.git?ref={COMMIT}")
    inner = record("registry.terraform.io/acme/base/aws", "1.0.3", key="net.base")
    code = {
        "main.tf": 'module "base" { version = "1.0.3" }',
        ".terraform/modules/net/main.tf.json": '{"module": {"base": {"source": "x", "version": "~> 1.0"}}}',
    }

    assert moving(outer, inner, code=code) == (
        "module.net.module.base: registry.terraform.io/acme/base/aws, version ~> 1.0 (now 1.0.3)",
    )


def test_a_range_that_nobody_can_read_counts_as_moving() -> None:
    inner = record("registry.terraform.io/acme/base/aws", "1.0.3", key="net.base")

    assert len(moving(inner)) == 1


@pytest.mark.parametrize(
    ("committed", "named"),
    [
        pytest.param(None, ["example.org/acme/vault", "registry.terraform.io/hashicorp/random"], id="none"),
        pytest.param(LOCK, [], id="all"),
        pytest.param(
            'provider "example.org/acme/vault" {\n  version = "1.0.0-rc.1"\n}\n',
            ["registry.terraform.io/hashicorp/random"],
            id="one",
        ),
    ],
)
def test_a_provider_without_a_committed_lock_moves(committed: str | None, named: list[str]) -> None:
    found = moving_sources([ROOT], constraints={}, locked=LOCK, committed=committed)

    assert [line.split(" ")[1] for line in found] == named
    assert all("the committed lock file does not name" in line for line in found)
