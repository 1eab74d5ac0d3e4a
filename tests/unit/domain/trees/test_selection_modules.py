from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.hcl.module_calls import WHOLE_REPOSITORY, called_directories
from bot.domain.hcl.scanner import hcl_tokens
from bot.domain.trees.selection import local_module_calls

HIDDEN = 'module "hidden" {\n  source = "./hidden"\n}\n'


def calls(text: str, path: str = "project/main.tf") -> tuple[str, ...]:
    return local_module_calls({path: text}).get("project", ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('module "a" {\n  source = "./m"\n}', ("project/m",), id="below"),
        pytest.param('module "a" {\n  source = "../m/n/"\n}', ("m/n",), id="beside"),
        pytest.param('module "a" { source = "./m" }', ("project/m",), id="on one line"),
        pytest.param('module "a" { source="./m" # why\n}', ("project/m",), id="comment behind"),
        pytest.param('module a {\r\n  source = "./m"\r\n}\r\n', ("project/m",), id="line ends of Windows"),
        pytest.param('\ufeffmodule "a" {\n  source = "./m"\n}', ("project/m",), id="byte order mark"),
        pytest.param('module "a" {\n  source = ".././m//n"\n}', ("m/n",), id="crooked path"),
        pytest.param('module "a" {\n  source = "../../m"\n}', (), id="outside of the repository"),
        pytest.param('module "a" {\n  source = "hashicorp/consul/aws"\n}', (), id="registry"),
        pytest.param('module "a" {\n  source = "git::https://x.example/m.git"\n}', (), id="git"),
        pytest.param(
            'module "a" {\n  # source = "./no"\n  source = "./m"\n}', ("project/m",), id="commented"
        ),
        pytest.param('/* module "a" {\n source = "./no" } */', (), id="block comment"),
        pytest.param(
            'module "a" {\n  x = { source = "./no" }\n  source = "./m"\n}', ("project/m",), id="inner"
        ),
        pytest.param('resource "x" "y" {\n  source = "./no"\n}', (), id="resource"),
        pytest.param("x = <<EOT\n" + HIDDEN + "EOT\n", (), id="module in a heredoc"),
        pytest.param('locals {\n  module = "x"\n  source = "./no"\n}', (), id="words in another place"),
        pytest.param("", (), id="empty"),
        pytest.param("module", (), id="half a block"),
    ],
)
def test_local_modules_are_found(text: str, expected: tuple[str, ...]) -> None:
    assert calls(text) == expected


@pytest.mark.parametrize(
    "before",
    [
        pytest.param('a = "}{ /* # // <<EOT"\n', id="signs in a text"),
        pytest.param('a = "\\"{"\n', id="escaped quote"),
        pytest.param('a = "$${"\n', id="escaped template"),
        pytest.param('a = "%%{ \\\\"\n', id="escaped directive"),
        pytest.param('a = "${b["}"]}"\n', id="brace in a text in a template"),
        pytest.param('a = "${ /* { " */ "x" }"\n', id="comment in a template"),
        pytest.param('a = "${ { x = "${"}"}" } }"\n', id="templates in templates"),
        pytest.param('a = "${<<X\n}"{\nX\n}"\n', id="heredoc in a template"),
        pytest.param('a = <<-X\n  "{ ${ "}" } /*\n  X\n', id="heredoc with signs"),
        pytest.param('a = <<X\n${ "\\"" }\n Xs\nX\n', id="heredoc with its mark inside a word"),
        pytest.param("a = <<X\nX\n", id="empty heredoc"),
        pytest.param("# it's {\n// \"{\n/* ${ **/\n", id="comments"),
        pytest.param("}}}\n", id="closing braces too many"),
    ],
)
def test_nothing_before_a_module_hides_it(before: str) -> None:
    assert calls(before + HIDDEN) == ("project/hidden",)


@pytest.mark.parametrize(
    "source",
    [
        '"${"./m"}"',
        '"./${var.x}"',
        '"\\u002e/m"',
        "var.source",
        '"./a" == "" ? "./b" : "./c"',
        '("./m")',
        "<<X\n./m\nX",
        '"./%{ if true }m%{ endif }"',
    ],
)
def test_a_source_that_is_no_plain_text_may_be_anything(source: str) -> None:
    assert WHOLE_REPOSITORY in calls(f'module "a" {{\n  source = {source}\n}}\n')


def test_a_module_without_a_source_may_be_anything() -> None:
    assert calls('module "a" {\n}\n') == (WHOLE_REPOSITORY,)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param({"module": {"a": {"source": "./m"}}}, ("project/m",), id="objects"),
        pytest.param({"module": [{"a": [{"source": "./m"}]}]}, ("project/m",), id="lists"),
        pytest.param([{"module": {"a": {"source": "../m"}}}], ("m",), id="list at the top"),
        pytest.param({"module": {"a": {"source": "${x}"}}}, (WHOLE_REPOSITORY,), id="template"),
        pytest.param({"module": {"a": {}}}, (WHOLE_REPOSITORY,), id="no source"),
        pytest.param({"module": {"a": "x"}, "locals": 3}, (), id="not an object"),
        pytest.param("text", (), id="a text"),
    ],
)
def test_json_is_read_too(content: object, expected: tuple[str, ...]) -> None:
    assert calls(json.dumps(content), "project/main.tf.json") == expected


def test_repeated_keys_of_json_are_several_modules() -> None:
    text = '{"module": {"a": {"source": "./one"}}, "module": {"b": {"source": "./two"}}}'

    assert calls(text, "project/x.tf.json") == ("project/one", "project/two")


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"module": ' * 50_000])
def test_json_that_we_cannot_read_may_call_anything(text: str) -> None:
    assert calls(text, "project/x.tf.json") == (WHOLE_REPOSITORY,)


def test_files_are_gathered_by_directory() -> None:
    module = 'module "x" {{ source = "{}" }}'

    result = local_module_calls(
        {
            "main.tf": module.format("./a"),
            "b/one.tf": module.format("../a"),
            "b/two.tofu": module.format("./c"),
            "b/notes.txt": module.format("./d"),
        }
    )

    assert result == {".": ("a",), "b": ("a", "b/c")}


def test_calls_are_followed_through_circles() -> None:
    graph = {"a": ("b",), "b": ("c", "a"), "c": ("b",), "x": ("y",)}

    assert called_directories("a", graph) == {"b", "c"}
    assert called_directories("nowhere", graph) == frozenset()


PIECES = [
    '"',
    "${",
    "%{",
    "}",
    "{",
    "$${",
    "\\",
    "\n",
    "<<X\n",
    "X\n",
    "/*",
    "*/",
    "#",
    "module",
    "source",
    "=",
    "a",
]


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join)))
def test_any_text_is_scanned(text: str) -> None:
    found = calls(text)

    assert all(not directory.startswith(("/", "..")) for directory in found)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("piece", [*PIECES, '"${', '"\\', "<<X\nX", '"}', 'module "a" {', "/**", "\n\n"])
def test_long_files_are_scanned_to_their_end(piece: str) -> None:
    tokens = sum(1 for _ in hcl_tokens(piece * 50_000))

    assert tokens <= len(piece) * 50_000
