from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from bot.domain.core.model import EnvName, ProjectName, Stack, StateKey
from bot.domain.hcl.module_calls import TERRAFORM_FILES, local_module_calls
from bot.domain.trees.links import Followed, follow
from bot.domain.trees.plannable import (
    SourceTree,
    has_content,
    is_configured,
    is_pointer,
    unfetched,
)
from bot.domain.trees.selection import PolicyPart, counted_paths, stack_inputs_digest

STACK = Stack(
    repo="acme/infra",
    project=ProjectName("api"),
    env=EnvName("staging"),
    state_key=StateKey("staging/api/terraform.tfstate"),
    directory="api",
    var_file="envs/staging.tfvars",
)
PART = PolicyPart(canonical="{}", var_files=frozenset({"envs/staging.tfvars", "envs/prod.tfvars"}))
SOMETHING = "terraform {}\n"
CALL = 'module "m" {{\n  source = "{}"\n}}\n'


def tree(
    files: Mapping[str, str], links: Mapping[str, str] | None = None, submodules: Sequence[str] = ()
) -> SourceTree:
    """Return a tree whose ids are its texts."""
    links = links or {}
    commits = {path: f"commit of {path}" for path in submodules}
    followed = follow({**files, **{path: f"-> {text}" for path, text in links.items()}, **commits}, links)
    texts = {
        path: text
        for path, text in followed.files.items()
        if path.endswith(TERRAFORM_FILES) and text not in commits.values()
    }
    return SourceTree(
        files=followed.files,
        module_calls=local_module_calls(texts),
        links=followed.links,
        submodules=frozenset(submodules),
        blank=frozenset(path for path, text in texts.items() if not has_content(path, text)),
    )


def followed_of(found: SourceTree) -> Followed:
    return Followed(files=found.files, links=found.links)


def hollow(found: SourceTree, part: PolicyPart = PART, stack: Stack = STACK) -> tuple[str, ...]:
    return unfetched(found, stack, part, counted_paths(followed_of(found), stack, found.module_calls, part))


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"api/main.tf": SOMETHING}, id="a terraform block alone"),
        pytest.param({"api/main.tf": 'provider "aws" {}'}, id="a provider alone"),
        pytest.param({"api/main.tf.json": '{"terraform": {}}'}, id="JSON syntax"),
        pytest.param({"api/a.tf": "", "api/b.tf": SOMETHING}, id="one file of several"),
        pytest.param({"api/main.tf": "}{ broken"}, id="broken code, which Terraform explains"),
        pytest.param({"api/main.tf.json": "{ broken"}, id="broken JSON, which Terraform explains"),
        pytest.param({"api/main.tf": "\ufeffterraform {}"}, id="behind a byte order mark"),
    ],
)
def test_a_root_module_with_a_block_is_planned(files: dict[str, str]) -> None:
    assert is_configured(tree(files), STACK, "terraform")


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({}, id="no directory at all"),
        pytest.param({"api/README.md": "# Moved"}, id="a README"),
        pytest.param({"old/main.tf": SOMETHING, "api/README.md": ""}, id="moved elsewhere"),
        pytest.param({"api/deep/main.tf": SOMETHING}, id="moved deeper"),
        pytest.param({"apis/main.tf": SOMETHING}, id="a directory whose name begins alike"),
        pytest.param({"api/.main.tf": SOMETHING}, id="hidden"),
        pytest.param({"api/.tf": SOMETHING}, id="nothing but the ending"),
        pytest.param({"api/main.tf~": SOMETHING}, id="an editor's backup"),
        pytest.param({"api/#main.tf#": SOMETHING}, id="an editor's autosave"),
        pytest.param({"api/main.TF": SOMETHING}, id="an ending in capitals"),
        pytest.param({"api/main.tf.bak": SOMETHING}, id="another ending"),
        pytest.param({"api/main.tftest.hcl": SOMETHING}, id="a test of Terraform's"),
        pytest.param({"api/x.tfvars": "a = 1"}, id="variables"),
        pytest.param({"api/main_override.tf": SOMETHING}, id="an override alone"),
        pytest.param({"api/override.tf.json": '{"terraform": {}}'}, id="an override in JSON alone"),
        pytest.param({"api/zzzz_gatewright_backend_override.tf": SOMETHING}, id="our own backend"),
        pytest.param({"api/gatewright_state_operation.tf": SOMETHING}, id="our own state operation"),
        pytest.param({"api/main.tofu": SOMETHING}, id="what only OpenTofu reads"),
        pytest.param({"api/main.tf": ""}, id="an empty file"),
        pytest.param({"api/main.tf": "# Moved\n/* away\n*/\n// now\n"}, id="comments alone"),
        pytest.param({"api/main.tf.json": "{}"}, id="empty JSON"),
        pytest.param({"api/main.tf.json": '{"//": "moved"}'}, id="a comment in JSON"),
        pytest.param({"api/main.tf.json": " \n"}, id="blanks in JSON"),
        pytest.param({"api/x.tf/main.tf": SOMETHING}, id="a directory with such a name"),
    ],
)
def test_a_root_module_without_any_block_is_not_planned(files: dict[str, str]) -> None:
    assert not is_configured(tree(files), STACK, "terraform")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({"api/main.tofu": SOMETHING}, True, id="its own ending"),
        pytest.param({"api/main.tofu.json": '{"terraform": {}}'}, True, id="its own ending in JSON"),
        pytest.param({"api/main.tf": SOMETHING}, True, id="Terraform's"),
        pytest.param({"api/main.tf": SOMETHING, "api/main.tofu": ""}, False, id="its own goes first"),
        pytest.param(
            {"api/main.tf.json": '{"terraform": {}}', "api/main.tofu.json": "{}"}, False, id="in JSON, too"
        ),
        pytest.param({"api/main.tf": SOMETHING, "api/other.tofu": ""}, True, id="another name"),
        pytest.param({"api/override.tofu": SOMETHING}, False, id="an override alone"),
    ],
)
def test_opentofu_reads_its_own_files_first(files: dict[str, str], *, expected: bool) -> None:
    assert is_configured(tree(files), STACK, "tofu") is expected


@pytest.mark.parametrize(
    ("files", "links", "expected"),
    [
        pytest.param({"src/main.tf": SOMETHING}, {"api": "src"}, True, id="the directory is a link"),
        pytest.param({"src/README.md": ""}, {"api": "src"}, False, id="to a directory without any"),
        pytest.param(
            {"src/main.tf": SOMETHING}, {"api/main.tf": "../src/main.tf"}, True, id="a link to a file"
        ),
        pytest.param({"src/x": SOMETHING}, {"api/main.tf": "../src/x"}, True, id="to a file of another name"),
        pytest.param({"src/main.tf": ""}, {"api/main.tf": "../src/main.tf"}, False, id="to an empty file"),
        pytest.param(
            {"src/main.tf": SOMETHING}, {"api/main.tf": "../src"}, False, id="a link to a directory"
        ),
        pytest.param({"src/main.tf": SOMETHING}, {"api/main.tf": "../gone"}, False, id="a link to nothing"),
        pytest.param(
            {"a/main.tf": SOMETHING}, {"api": "b", "b": "c", "c": "a"}, True, id="a link through links"
        ),
    ],
)
def test_links_are_followed_to_the_configuration(
    files: dict[str, str], links: dict[str, str], *, expected: bool
) -> None:
    assert is_configured(tree(files, links), STACK, "terraform") is expected


def test_a_project_at_the_root_has_its_files_there() -> None:
    root = replace(STACK, directory=".")

    assert is_configured(tree({"main.tf": SOMETHING}), root, "terraform")
    assert not is_configured(tree({"api/main.tf": SOMETHING}), root, "terraform")


FILES = {
    "api/main.tf": CALL.format("../modules/m") + 'output "x" {\n  value = file("../shared/x.json")\n}\n',
    "api/files/a.txt": "a",
    "modules/m/main.tf": CALL.format("../n"),
    "modules/n/main.tf": "locals {}",
    "modules/other/main.tf": "locals {}",
    "shared/x.json": "{}",
    "shared/y.json": "{}",
    "named/a.txt": "a",
    "named/b.md": "b",
    "envs/staging.tfvars": "",
    "envs/prod.tfvars": "",
    "gatewright.yaml": "version: 1",
    "README.md": "",
}


@pytest.mark.parametrize("patterns", [(), (("named/**", "!**/*.md"),), (("**/*.md",), ("envs/",))])
@pytest.mark.parametrize("directory", ["api", "."])
def test_the_inputs_are_what_the_digest_counts(patterns: tuple[tuple[str, ...], ...], directory: str) -> None:
    part, stack = replace(PART, patterns=patterns), replace(STACK, directory=directory)
    found = tree(FILES, {})

    def digest(files: Mapping[str, str]) -> str:
        return stack_inputs_digest(Followed(files=files), stack, found.module_calls, part)

    counted = {path for path in found.files if digest({**found.files, path: "other"}) != digest(found.files)}
    assert {*counted_paths(followed_of(found), stack, found.module_calls, part)} == counted | {
        "envs/staging.tfvars"
    }


@pytest.mark.parametrize(
    ("files", "submodules", "expected"),
    [
        pytest.param({}, ["api"], ["api"], id="the project itself"),
        pytest.param({}, ["api/vendor"], ["api/vendor"], id="in the project"),
        pytest.param({"api/x.tf": CALL.format("./mod")}, ["api/mod"], ["api/mod"], id="a called module"),
        pytest.param({"api/x.tf": CALL.format("../mod")}, ["mod"], ["mod"], id="a called module elsewhere"),
        pytest.param(
            {"api/x.tf": CALL.format("../libs/mod")}, ["libs"], ["libs"], id="around a called module"
        ),
        pytest.param(
            {"api/x.tf": CALL.format("../a"), "a/x.tf": CALL.format("../b/c")},
            ["b"],
            ["b"],
            id="called by a call",
        ),
        pytest.param({"api/x.tf": CALL.format("../a")}, ["a/sub"], ["a/sub"], id="in a called module"),
        pytest.param(
            {"api/x.tf": 'locals { a = file("../data/a.json") }'},
            ["data"],
            ["data"],
            id="around a named file",
        ),
        pytest.param({"api/x.tf": CALL.format("${x}")}, ["far/off"], ["far/off"], id="a call of anything"),
        pytest.param({}, ["envs"], ["envs"], id="around the var file"),
        pytest.param({}, ["docs/theme", "apis"], [], id="elsewhere"),
        pytest.param({}, ["api/b", "api/a"], ["api/a", "api/b"], id="several"),
    ],
)
def test_a_submodule_among_the_inputs_is_found(
    files: dict[str, str], submodules: list[str], expected: list[str]
) -> None:
    assert [*hollow(tree(files, submodules=submodules))] == expected


@pytest.mark.parametrize(
    ("files", "links", "submodules", "expected"),
    [
        pytest.param({}, {"api": "sub"}, ["sub"], ["sub"], id="the project is a link to it"),
        pytest.param({}, {"api": "sub/deep"}, ["sub"], ["sub"], id="the project is a link into it"),
        pytest.param({}, {"api/vendor": "../sub"}, ["sub"], ["sub"], id="a link in the project"),
        pytest.param({}, {"api/vendor": "../sub/deep"}, ["sub"], ["sub"], id="a link into it"),
        pytest.param(
            {"api/x.tf": CALL.format("../l/mod")}, {"l": "sub"}, ["sub"], ["sub"], id="called through a link"
        ),
        pytest.param(
            {"lib/a.txt": ""}, {"api/lib": "../lib"}, ["lib/sub"], ["api/lib/sub"], id="behind a link"
        ),
    ],
)
def test_a_submodule_is_found_through_links(
    files: dict[str, str], links: dict[str, str], submodules: list[str], expected: list[str]
) -> None:
    assert [*hollow(tree(files, links, submodules))] == expected


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        pytest.param(("vendor/**",), True, id="all of it"),
        pytest.param(("vendor/",), True, id="the directory"),
        pytest.param(("vendor/deep/*.tf",), True, id="a part of it"),
        pytest.param(("**/*.tf",), True, id="anything of a kind"),
        pytest.param(("v*/x.tf",), True, id="a wildcard for it"),
        pytest.param(("vendor",), True, id="its own name"),
        pytest.param(("**/*.tf", "!vendor/**"), False, id="taken back"),
        pytest.param(("*.tf",), False, id="files at the root"),
        pytest.param(("shared/**",), False, id="elsewhere"),
        pytest.param(("!vendor/**",), False, id="only taken back"),
    ],
)
def test_a_submodule_that_the_policy_names_is_found(patterns: tuple[str, ...], *, expected: bool) -> None:
    part = replace(PART, patterns=(patterns,))

    assert bool(hollow(tree({"api/main.tf": SOMETHING}, submodules=["vendor"]), part)) is expected


OID = "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
V1 = "version https://git-lfs.github.com/spec/v1\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(f"{V1}{OID}size 12345\n", True, id="as it is written"),
        pytest.param(f"{V1}ext-0-foo sha256:{'a' * 64}\n{OID}size 1\n", True, id="with an extension"),
        pytest.param(
            f"version https://git-lfs.github.com/spec/v2\n{OID}size 1\n", True, id="a later version"
        ),
        pytest.param(
            f"version https://hawser.github.com/spec/v1\n{OID}size 1\n", True, id="before its release"
        ),
        pytest.param(f"version http://git-media.io/v/2\n{OID}size 1\n", True, id="the first of all"),
        pytest.param(f"\n{V1}{OID}size 1", True, id="blanks around it"),
        pytest.param(f"{V1}{OID}size 1\n".replace("\n", "\r\n"), True, id="line ends of Windows"),
        pytest.param(V1 + "x" * 1024, False, id="too long"),
        pytest.param(f"See {V1}", False, id="a text about it"),
        pytest.param("version = 1\n", False, id="something else"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_a_pointer_is_told_from_a_file(content: str, *, expected: bool) -> None:
    assert is_pointer(content.encode()) is expected
