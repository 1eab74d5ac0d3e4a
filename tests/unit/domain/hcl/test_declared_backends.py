from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.hcl.backends import StatePlace, contradictions

PLACE = StatePlace(
    bucket="states", key="staging/terraform.tfstate", endpoint_url="https://account.r2.cloudflarestorage.com"
)


def found(text: str, name: str = "main.tf") -> tuple[str, ...]:
    return contradictions({name: text}, PLACE)


def block(inside: str) -> str:
    return f"terraform {{\n{inside}\n}}\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('backend "gcs" {\n bucket = "states"\n}', id="another type"),
        pytest.param("backend gcs {\n}", id="another type without quotes"),
        pytest.param('backend "gcs" { bucket = "states" }', id="on one line"),
        pytest.param('backend "local" {}', id="a local file"),
        pytest.param('cloud {\n organization = "acme"\n}', id="a cloud block"),
        pytest.param('backend "remote" {\n workspaces { name = "x" }\n}', id="the old form of it"),
        pytest.param('backend "s3" {\n bucket = "others"\n}', id="another bucket"),
        pytest.param('backend "s3" {\n key = "prod/terraform.tfstate"\n}', id="another key"),
        pytest.param(
            'backend "s3" {\n key = "prod\\u002fterraform.tfstate"\n}', id="another key with escapes"
        ),
        pytest.param('backend "s3" {\n endpoint = "https://s3.amazonaws.com"\n}', id="another endpoint"),
        pytest.param(
            'backend "s3" {\n endpoints = { s3 = "https://minio" }\n}', id="an endpoint in an object"
        ),
        pytest.param(
            'backend "s3" {\n endpoints = {\n "s3" : "https://minio",\n }\n}', id="spread, with colons"
        ),
        pytest.param(
            'backend "s3" {\n endpoints = { iam = "x", s3 = "https://minio" }\n}', id="with another"
        ),
        pytest.param(
            'backend "s3" {\n key = var.key\n bucket = "others"\n}', id="beside what cannot be read"
        ),
        pytest.param('required_version = "1"\n backend "gcs" {}', id="behind something else"),
        pytest.param('/* x */ backend /* y */ "gcs" { # z\n}', id="between comments"),
    ],
)
def test_what_contradicts_is_found(text: str) -> None:
    (sentence,) = found(block(text))

    assert sentence.startswith("main.tf ")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="no block"),
        pytest.param('backend "s3" {}', id="an empty block"),
        pytest.param('backend "s3" {\n region = "eu-west-1"\n encrypt = true\n}', id="a partial block"),
        pytest.param('backend "s3" {\n bucket = "states"\n}', id="our bucket"),
        pytest.param('backend "s3" {\n key = "staging/terraform.tfstate"\n}', id="our key"),
        pytest.param('backend "s3" {\n endpoint = "account.R2.cloudflarestorage.com/"\n}', id="our endpoint"),
        pytest.param(
            'backend "s3" {\n endpoints = { s3 = "https://account.r2.cloudflarestorage.com:443" }\n}',
            id="our endpoint with its port",
        ),
        pytest.param('backend "s3" {\n key = "${var.env}/terraform.tfstate"\n}', id="an expression"),
        pytest.param('backend "s3" {\n bucket = var.bucket\n}', id="a variable"),
        pytest.param('required_providers {\n gcs = { source = "x/gcs" }\n}', id="no backend at all"),
        pytest.param('x {\n backend "gcs" {}\n}', id="a block deeper down"),
        pytest.param('# backend "gcs" {}\n/*\nbackend "gcs" {}\n*/', id="comments"),
        pytest.param(
            'backend "s3" {\n assume_role = { bucket = "others" }\n}', id="a name inside another object"
        ),
    ],
)
def test_what_contradicts_nothing_passes(text: str) -> None:
    assert found(block(text)) == ()


def test_blocks_outside_of_terraform_declare_nothing() -> None:
    assert (
        found('resource "a" "b" {\n backend "gcs" {}\n}\nbackend "gcs" {}\nlocals {\n backend = "gcs"\n}\n')
        == ()
    )


def test_a_text_that_looks_like_a_block_declares_nothing() -> None:
    assert (
        found(
            'locals {\n a = <<E\nterraform {\n backend "gcs" {}\n}\nE\n b = "terraform { backend gcs {} }"\n}'
        )
        == ()
    )


@pytest.mark.parametrize(
    ("text", "count"),
    [
        pytest.param('{"terraform": {"backend": {"gcs": {"bucket": "x"}}}}', 1, id="another type"),
        pytest.param(
            '{"terraform": [{"backend": [{"s3": [{"bucket": "x", "key": "y"}]}]}]}', 2, id="in lists"
        ),
        pytest.param(
            '{"terraform": {"backend": {"s3": {"endpoints": {"s3": "https://minio"}}}}}', 1, id="endpoint"
        ),
        pytest.param('{"terraform": {"cloud": {"organization": "acme"}}}', 1, id="cloud"),
        pytest.param('{"terraform": {}, "terraform": {"backend": {"gcs": {}}}}', 1, id="a name twice"),
        pytest.param('{"terraform": {"backend": {"s3": {"key": "${var.key}"}}}}', 0, id="an expression"),
        pytest.param('{"terraform": {"backend": {"s3": {}}}}', 0, id="an empty block"),
        pytest.param('{"terraform": {"backend": ', 0, id="broken"),
        pytest.param('{"terraform": "x", "backend": {"gcs": {}}}', 0, id="of another shape"),
    ],
)
def test_json_is_read_as_well(text: str, count: int) -> None:
    assert len(found(text, "main.tf.json")) == count


@pytest.mark.parametrize(
    ("name", "count"),
    [("a.tofu", 1), ("z_override.tf", 1), ("notes.md", 0), ("main.tftest.hcl", 0)],
)
def test_only_files_of_the_module_count(name: str, count: int) -> None:
    assert len(found(block('backend "gcs" {}'), name)) == count


def test_every_file_and_setting_is_named() -> None:
    files = {
        "b.tf": block('backend "s3" {\n bucket = "others"\n key = "x"\n}'),
        "a.tf": block('backend "gcs" {}'),
    }

    assert contradictions(files, PLACE) == (
        "a.tf declares the backend gcs, and the state is kept by the backend s3",
        "b.tf names others as the bucket, and the state is kept at states",
        "b.tf names x as the key, and the state is kept at staging/terraform.tfstate",
    )


@given(st.text(alphabet='terafombckndgs3"{}=\n ,:[]<E#/*\\$%', max_size=200))
def test_any_text_is_read_without_an_error(text: str) -> None:
    contradictions({"a.tf": text, "b.tf.json": text}, PLACE)
