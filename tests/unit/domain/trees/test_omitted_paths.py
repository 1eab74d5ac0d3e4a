"""An error that names a file which is no input leads to the line that the policy lacks."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.trees.links import Followed, follow
from bot.domain.trees.omitted_paths import Omitted, omitted_paths
from bot.domain.trees.selection import PolicyPart
from tests.fakes.records import builders

STACK = builders.stack("staging")
PART = PolicyPart(
    canonical="terraform 1.11.4",
    var_files=frozenset({"envs/staging.tfvars", "envs/prod.tfvars", "terraform/web-prod.tfvars"}),
)
LONG = "shared/a/very/long/path/that/makes/terraform/break/the/line/x.json"
FILES = dict.fromkeys(
    [
        "terraform/main.tf",
        "terraform/web-prod.tfvars",
        "modules/net/main.tf",
        "shared/x.json",
        "shared/my dir/x y.json",
        LONG,
        "scripts/build/a.sh",
        "scripts/build/lib/b.sh",
        "scripts/words, and more.txt",
        "envs/staging.tfvars",
        "envs/prod.tfvars",
        "gatewright.yaml",
        "README.md",
    ],
    "blob",
)
TREE = Followed(files=FILES)
RELATIVE = """
Error: Invalid function argument

  on main.tf line 3, in locals:
   3:   b = file(join("/", ["..", "shared", "my dir", "x y.json"]))
    ├────────────────
    │ while calling file(path)

Invalid value for "path" parameter: no file exists at "../shared/my dir/x
y.json"; this function works only with files that are distributed as part of
the configuration source code, so if this file will be created by a resource
in this configuration you must instead obtain this result from an attribute
of that resource.
"""
ABSOLUTE = f"""
Error: Invalid function argument

  on main.tf line 2, in locals:
   2:   a = file("${{dirname(abspath(path.root))}}/shared/x.json")
    ├────────────────
    │ path.root is "."

Invalid value for "path" parameter: no file exists at
"/work/{LONG}";
this function works only with files that are distributed as part of the
configuration source code.
"""
BORDERED = """
╷
│ Error: Error in function call
│
│   on main.tf line 5, in locals:
│    5:   d = filemd5("${dirname(abspath(path.root))}/shared/my dir/x y.json")
│
│ Call to function "filemd5" failed: open /work/shared/my
│ dir/x y.json: no such
│ file or directory.
╵
"""


def found(text: str, tree: Followed = TREE, calls: Mapping[str, tuple[str, ...]] | None = None) -> Omitted:
    return omitted_paths(text, tree, STACK, calls or {}, PART, roots=("/work", "/var/slots/0/tree"))


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        pytest.param(RELATIVE, "shared/my dir/x y.json", id="relative, with blanks, over two lines"),
        pytest.param(ABSOLUTE, LONG, id="absolute"),
        pytest.param(BORDERED, "shared/my dir/x y.json", id="with borders"),
        pytest.param('no file exists at "./../shared/x.json"; this', "shared/x.json", id="with a dot"),
        pytest.param("open /work/terraform/../shared/x.json: no such", "shared/x.json", id="up and down"),
        pytest.param(
            "open /var/slots/0/tree/shared/x.json: no such", "shared/x.json", id="outside of the sandbox"
        ),
        pytest.param("cat: ../shared/x.json: No such file", "shared/x.json", id="a program's own words"),
        pytest.param("cat: can't open '../shared/x.json'", "shared/x.json", id="in single quotes"),
        pytest.param("path=../shared/x.json.", "shared/x.json", id="behind a sign"),
        pytest.param(
            'at "../scripts/words, and more.txt"', "scripts/words, and more.txt", id="signs inside of it"
        ),
        pytest.param(
            'at "modules/net/../../../shared/x.json"', "shared/x.json", id="by way of a called module"
        ),
        pytest.param(
            "could not archive missing directory: ../scripts/build", "scripts/build/**", id="a directory"
        ),
        pytest.param("could not archive /work/scripts/build/: lstat", "scripts/build/**", id="with a slash"),
    ],
)
def test_an_omitted_file_that_an_error_names_is_found(text: str, pattern: str) -> None:
    assert found(text) == Omitted(patterns=(pattern,))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param('no file exists at "../shared/none.json"', id="not in the repository"),
        pytest.param("on ../terraform/main.tf line 3", id="what is there"),
        pytest.param('path.module is "..", and "../" too', id="all of the repository"),
        pytest.param("open /etc/shared/x.json: no such file", id="elsewhere on the machine"),
        pytest.param("open /workshop/shared/x.json: no such file", id="a longer root"),
        pytest.param("at ../../shared/x.json", id="outside of the repository"),
        pytest.param("the bucket shared/x.json", id="not written as a path that leads out"),
    ],
)
def test_nothing_else_is_taken_for_one(text: str) -> None:
    assert found(text) == Omitted()


def test_called_directories_are_not_omitted() -> None:
    text = "on ../modules/net/main.tf line 3"

    assert found(text) == Omitted(patterns=("modules/net/main.tf",))
    assert found(text, calls={"terraform": ("modules/net",)}) == Omitted()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        pytest.param('no file exists at "../envs/prod.tfvars"', "envs/prod.tfvars", id="elsewhere"),
        pytest.param(
            'no file exists at "web-prod.tfvars";', "terraform/web-prod.tfvars", id="in the project"
        ),
        pytest.param("open /work/gatewright.yaml: no such file", "gatewright.yaml", id="the policy"),
        pytest.param('no file exists at "./values"', "terraform/values", id="behind a link"),
    ],
)
def test_a_var_file_of_another_environment_is_no_pattern(text: str, path: str) -> None:
    tree = follow({**FILES, "terraform/values": "link"}, {"terraform/values": "../envs/prod.tfvars"})

    assert found(text, tree) == Omitted(withheld=(path,))


def test_file_behind_an_omitted_link_is_found_at_the_link() -> None:
    tree = follow({**FILES, "data": "link"}, {"data": "shared"})

    assert found('at "../data/x.json"', tree) == Omitted(patterns=("data/x.json",))


def test_each_is_named_once_and_a_directory_covers_its_files() -> None:
    text = "../shared/x.json ../shared/x.json /work/scripts/build/a.sh /work/scripts/build README.md"

    assert found(text) == Omitted(patterns=("shared/x.json", "scripts/build/**"))


@given(st.text(alphabet="./ \"'work:sharedx\n│"))
def test_any_text_is_read(text: str) -> None:
    assert isinstance(found(text), Omitted)


@pytest.mark.timeout(20)
def test_a_very_long_text_is_read() -> None:
    assert isinstance(found("../a/=" * 200_000), Omitted)
    assert isinstance(found("../shared " * 200_000), Omitted)
