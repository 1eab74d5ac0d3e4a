from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.untrusted import printable
from bot.adapters.workspace.tree_rules import escapes, find_problems
from bot.adapters.workspace.trees import TreeEntry


def problems(path: str, content: bytes, mode: str = "100644") -> tuple[str, ...]:
    return find_problems([TreeEntry(mode=mode, blob="b", path=path)], {"b": content})


REDIRECTING = {
    "plain": b'terraform {\n  backend "s3" {\n  }\n}\n',
    "bare label": b"terraform {\n backend s3 {\n }\n}",
    "cloud": b"terraform {\n  cloud {}\n}",
    "comments between": b'terraform/**/{ /* x */ backend /* y */ "s3" /* z */ {} }',
    "carriage returns and tabs": b'terraform\t{\r\n\tbackend\t"http"\t{}\r\n}',
    "byte order mark": b'\xef\xbb\xbfterraform {\n backend "s3" {}\n}',
    "after a heredoc that looks like a comment": b'locals {\n x = <<E\n/*\nE\n}\nterraform {\n backend "s3" {}\n}',
    "in the shadow of a string": b'locals { a = "/*" }\nterraform {\n backend "local" {}\n}\n# */',
    "bytes that are not text": b'\xff\nterraform {\n backend "s3" {}\n}',
}


@pytest.mark.parametrize("case", REDIRECTING, ids=list(REDIRECTING))
@pytest.mark.parametrize("name", ["override.tf", "zz_override.tf", "_override.tf", "a/b/x_override.tofu"])
def test_an_override_that_sets_a_backend_is_refused(name: str, case: str) -> None:
    assert len(problems(name, REDIRECTING[case])) == 1


REDIRECTING_JSON = {
    "plain": b'{"terraform": {"backend": {"s3": {}}}}',
    "cloud": b'{"terraform": {"cloud": {}}}',
    "lists": b'[{"terraform": [{"backend": [{"s3": {}}]}]}]',
    "escaped": b'{"\\u0074erraform": {"\\u0062ackend": {}}}',
    "a duplicate that hides it": b'{"terraform": {"backend": {}}, "terraform": {}}',
    "not JSON": b'{"terraform": {"backend": {}},}',
    "byte order mark": b'\xef\xbb\xbf{"terraform": {}}',
    "too deep": b"[" * 100_000,
    "empty": b"",
}


@pytest.mark.parametrize("case", REDIRECTING_JSON, ids=list(REDIRECTING_JSON))
@pytest.mark.parametrize("name", ["override.tf.json", "a/zz_override.tf.json", "x_override.tofu.json"])
def test_json_override_with_backend_or_unreadable_is_refused(name: str, case: str) -> None:
    assert len(problems(name, REDIRECTING_JSON[case])) == 1


HARMLESS = {
    "override.tf": b'resource "null_resource" "a" {\n  triggers = { backend = 1 }\n}\n',
    "x_override.tf": b'data "terraform_remote_state" "net" {\n  backend = "s3"\n}\n',
    "y_override.tf": b'terraform {\n  required_version = ">= 1"\n}\n',
    "z_override.tf": b'resource "google_cloud_run" "a" {}\nterraform {}\n',
    "override.tf.json": b'{"locals": {"backend": 1}}',
    "x_override.tf.json": b'{"terraform": {"required_version": ">= 1"}}',
    "main.tf": b'terraform {\n  backend "s3" {}\n}\n',
    "myoverride.tf": b'terraform {\n  backend "s3" {}\n}\n',
    "override.tf.md": b'terraform {\n  backend "s3" {}\n}\n',
    "terraform.tfvars": b"a = 1\n",
    "x.auto.tfvars": b"a = 1\n",
    ".terraform.lock.hcl": b"",
    ".terraform-version": b"1.11.4",
    ".terraform.tfstate.lock.info": b"{}",
    "crash.log": b"",
    ".gitignore": b"",
    ".github/CODEOWNERS": b"",
}


@pytest.mark.parametrize("path", HARMLESS)
def test_what_is_harmless_passes(path: str) -> None:
    assert problems(path, HARMLESS[path]) == ()


def test_an_override_too_large_to_be_read_is_refused() -> None:
    entry = TreeEntry(mode="100644", blob="huge", path="override.tf")

    assert len(find_problems([entry], {})) == 1


def test_every_problem_is_told_and_safe_to_post() -> None:
    entries = [
        TreeEntry(mode="100644", blob="a", path="x\n@all/.terraform/y"),
        TreeEntry(mode="100644", blob="a", path="\udcff/errored.tfstate"),
    ]

    told = find_problems(entries, {})

    assert [problem.partition(": ")[0] for problem in told] == [
        "x\\u000a@all/.terraform/y",
        "\\xff/errored.tfstate",
    ]


@pytest.mark.parametrize(
    ("links", "inside"),
    [
        ({"a": "b"}, True),
        ({"a": "."}, True),
        ({"d/a": "../b"}, True),
        ({"d/a": ".."}, True),
        ({"d/a": "../.."}, False),
        ({"a": "/etc"}, False),
        ({"a": "b/../../x"}, False),
        ({"a": "b", "b": "/etc"}, False),
        ({"d/e/up": "../..", "g": "d/e/up/.."}, False),
        ({"d/e/up": "../..", "g": "d/e/up/x"}, True),
        ({"a": "b", "b": "a"}, False),
        ({"a": "sub/deep", "b": "a/../.."}, True),
        ({"a": "sub/deep", "b": "a/../../.."}, False),
    ],
)
def test_links_are_followed_as_the_system_follows_them(links: dict[str, str], *, inside: bool) -> None:
    assert any(escapes(path, links) for path in links) is not inside


@given(st.text(max_size=200))
def test_a_backend_in_an_override_is_found_whatever_surrounds_it(noise: str) -> None:
    text = f'{noise}\nterraform {{\n  backend "s3" {{\n  }}\n}}\n{noise}'

    assert len(problems("zz_override.tf", text.encode("utf-8", "surrogatepass"))) == 1


@given(st.binary(max_size=60))
def test_any_path_can_be_printed(raw: bytes) -> None:
    told = printable(raw.decode("utf-8", "surrogateescape"))

    assert told.isprintable()
    told.encode()
