from __future__ import annotations

import pytest

from bot.adapters.terraform.output import first_error, needs_init, warnings

PLAN = """\
Terraform will perform the following actions:

  # terraform_data.a will be created
  + resource "terraform_data" "a" {
      + input = <<-EOT

            Warning: not one of ours
        EOT
    }

Plan: 1 to add, 0 to change, 0 to destroy.

Warning: Deprecated attribute

  on main.tf line 3, in resource "x" "y":
   3:   old = 1

Use something
newer.

Warning: Deprecated attribute

  on main.tf line 3, in resource "x" "y":
   3:   old = 1

Use something
newer.

Warning: Check block assertion failed

  on main.tf line 13, in check "c":

It is not what it should be.
"""


def test_each_warning_is_told_once_and_whole() -> None:
    deprecated, failed = warnings(PLAN)

    assert deprecated.splitlines()[0] == "Deprecated attribute"
    assert deprecated.endswith("   3:   old = 1\n\nUse something\nnewer.")
    assert failed.splitlines()[0] == "Check block assertion failed"
    assert failed.endswith("It is not what it should be.")


def test_an_error_ends_a_warning() -> None:
    text = "\nWarning: One\n\nabout one\n\nError: Two\n\nabout two\n"

    assert warnings(text) == ("One\n\nabout one",)
    assert first_error(text) == "Two"


def test_a_quiet_plan_has_no_warnings() -> None:
    assert warnings("No changes. Your infrastructure matches the configuration.\n") == ()
    assert first_error("No changes.\n") is None


@pytest.mark.parametrize(
    "text",
    [
        'Error: Backend initialization required, please run "terraform init"',
        "Error: Module not installed",
        "Error: Inconsistent dependency\nlock file",
        "Error: Module source has changed",
        "To install it, run:\n  tofu init",
        "Error: Required plugins are not installed",
    ],
)
def test_errors_that_an_init_heals_are_known(text: str) -> None:
    assert needs_init(text)


@pytest.mark.parametrize("text", ["Error: Unsupported argument", "Error: Invalid count argument", ""])
def test_other_errors_are_not_answered_with_an_init(text: str) -> None:
    assert not needs_init(text)
