"""Reading what Terraform says of code."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.plans.code_findings import Finding, failed_tests, invalid, unformatted

_DIFF = """main.tf
--- old/main.tf
+++ new/main.tf
@@ -7,7 +7,7 @@
 a
 b
 c
-  x   = 1
+  x = 1
@@ -20,4 +20,4 @@
+
modules/m/a.tf
--- old/modules/m/a.tf
+++ new/modules/m/a.tf
@@ -1,1 +1,1 @@
-a=1
+a = 1
"""


def test_each_stretch_of_diff_is_finding_at_its_changed_line() -> None:
    found = [(one.path, one.line) for one in unformatted(_DIFF, "terraform")]

    assert found == [("terraform/main.tf", 10), ("terraform/main.tf", 20), ("terraform/modules/m/a.tf", 1)]


def test_a_diagnostic_is_a_finding_at_its_file_and_line() -> None:
    place = {"filename": "../shared/a.tf", "start": {"line": 3}}
    answer = {
        "valid": False,
        "diagnostics": [
            {"severity": "error", "summary": "No", "detail": "Never.", "range": place},
            {"severity": "warning", "summary": "Old"},
        ],
    }

    assert invalid(json.dumps(answer), "terraform") == (
        Finding(path="shared/a.tf", line=3, level="failure", message="No\n\nNever."),
        Finding(path="terraform", line=1, level="warning", message="Old"),
    )


def test_tests_are_counted_and_their_failures_named() -> None:
    place = {"filename": "tests/a.tftest.hcl", "start": {"line": 9}}
    lines = [
        {"type": "diagnostic", "@testfile": "tests/a.tftest.hcl", "@testrun": "one"}
        | {"diagnostic": {"severity": "error", "summary": "Failed", "range": place}},
        {"type": "test_summary", "test_summary": {"status": "fail", "passed": 2, "failed": 1}},
    ]

    found, summary = failed_tests("\n".join(map(json.dumps, lines)), ".")

    assert [(one.path, one.line, one.message) for one in found] == [
        ("tests/a.tftest.hcl", 9, "tests/a.tftest.hcl one: Failed")
    ]
    assert summary == "2 passed, 1 failed"


@given(st.text())
def test_text_that_is_no_answer_says_nothing(text: str) -> None:
    if not text.strip().startswith(("{", "[")) and not text.strip().isnumeric():
        assert failed_tests(text, ".") == ((), "")
    unformatted(text, ".")
