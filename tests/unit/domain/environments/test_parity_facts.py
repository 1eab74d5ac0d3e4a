from __future__ import annotations

import json

import pytest

from bot.domain.environments.parity_facts import (
    asks_for_providers,
    called_modules,
    locked_providers,
    resource_counts,
    variables_set,
)

LOCK = """
# This file is maintained automatically by "terraform init".
provider "registry.terraform.io/hashicorp/null" {
  version     = "2.1.2"
  constraints = "~> 2.1"
  hashes = [
    "h1:l0/ASa/TB1exgqdi33sOkFakJL2zAQBu+q5LgO5/SxI=",
  ]
}

provider "mirror.example/acme/thing" {
  version = "0.3.0"
}
"""


@pytest.mark.parametrize(
    ("path", "text", "names"),
    [
        ("envs/a.tfvars", 'nodes = 3\nmotto = "secret = 1"\n', {"var.nodes", "var.motto"}),
        ("envs/a.tfvars.json", '{"nodes": 3, "tags": {"team": "x"}}', {"var.nodes", "var.tags"}),
        ("envs/a.tfvars.json", "[1]", set()),
        ("envs/a.tfvars.json", "{", set()),
    ],
)
def test_the_names_that_a_var_file_sets_are_read(path: str, text: str, names: set[str]) -> None:
    assert variables_set(path, text) == names


def test_exact_versions_of_providers_are_read_from_the_lock_file() -> None:
    assert locked_providers(LOCK) == {
        "provider.hashicorp/null": "2.1.2",
        "provider.mirror.example/acme/thing": "0.3.0",
    }


def test_modules_are_read_with_source_and_version_in_both_languages() -> None:
    files = {
        "main.tf": 'module "net" {\n  source = "acme/net/aws"\n  version = "1.2.0"\n}\nmodule "x" { source = var.y }\n',
        "more.tf.json": json.dumps({"module": {"db": {"source": "./db"}, "odd": [{"version": "1"}]}}),
        "broken.tf.json": "{",
        "notes.md": 'module "no" { source = "no" }',
    }

    assert called_modules(files) == {
        "module.net": "acme/net/aws 1.2.0",
        "module.x": "an expression",
        "module.db": "./db",
        "module.odd": "an expression 1",
    }


def test_only_code_that_names_providers_asks_for_a_lock_file() -> None:
    assert asks_for_providers({"versions.tf": "terraform { required_providers { } }"})
    assert not asks_for_providers({"versions.tf": "terraform { required_version = 1 }"})


def test_managed_resources_of_a_state_are_counted_by_type() -> None:
    state = {
        "serial": 3,
        "resources": [
            {"mode": "managed", "type": "null_resource", "instances": [{}, {}]},
            {"mode": "managed", "type": "null_resource", "module": "module.a", "instances": [{}]},
            {"mode": "managed", "type": "terraform_data", "instances": [{}]},
            {"mode": "managed", "type": "gone", "instances": []},
            {"mode": "data", "type": "http", "instances": [{}]},
            "odd",
        ],
    }

    assert resource_counts(json.dumps(state).encode()) == {"null_resource": "3", "terraform_data": "1"}


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"resources": 3}', b"\xff"])
def test_a_state_that_says_nothing_has_no_resources(data: bytes) -> None:
    assert resource_counts(data) == {}
