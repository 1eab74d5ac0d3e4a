"""The code of ci is checked with each plan, and one check run shows what is wrong where."""

from __future__ import annotations

from tests.e2e.world import World

_UGLY = "locals {\n  a = 1\n  bb   = 2\n}\n"
_WRONG = 'output "wrong" {\n  value = terraform_data.missing.id\n}\n'
_TEST = """\
variables {
  message = "Hello"
}
run "it_says_goodbye" {
  command = plan
  variables {
    environment = "test"
  }
  assert {
    condition     = output.environment == "goodbye"
    error_message = "It does not say goodbye."
  }
}
"""


async def test_findings_are_annotations_and_good_code_is_green(world: World) -> None:
    # Given a policy that has the code of ci checked,
    await world.change_policy(
        lambda text: text.replace(
            "    autoplan: true\n", "    autoplan: true\n    code_checks: [fmt, validate, test]\n", 1
        )
    )
    # when code is badly formatted and fails its tests,
    number = await world.open({"terraform/ugly.tf": _UGLY, "terraform/tests/bye.tftest.hcl": _TEST})
    assert "plan ci planned" in await world.told(number)
    # then the check run tells all of it at file and line, and the plan is a matter of its own.
    check = world.check(number, "gatewright/ci")
    assert check.conclusion == "failure"
    found = {(one["path"], one["start_line"]): one["message"] for one in check.annotations}
    assert found["terraform/ugly.tf", 2].startswith("Not formatted")
    line = _TEST.split("\n").index('    condition     = output.environment == "goodbye"') + 1
    assert "It does not say goodbye." in found["terraform/tests/bye.tftest.hcl", line]
    assert "1 failed" in (check.summary or "")

    # When it is planned again, then there is still one check run, and nothing stands there twice.
    before = len(check.annotations)
    await world.comment(number, "/plan ci")
    await world.hear(number, kind="plan", env="ci", status="planned")
    await world.told(number)
    assert len(world.check(number, "gatewright/ci").annotations) == before

    # When it is not even valid, then the place is told although nothing can be planned.
    await world.push({"terraform/wrong.tf": _WRONG})
    assert "plan ci failed" in await world.told(number)
    check = world.check(number, "gatewright/ci")
    found = {(one["path"], one["start_line"]): one["message"] for one in check.annotations}
    assert "Reference to undeclared resource" in found["terraform/wrong.tf", 2]

    # When all of it is mended, then the check is green.
    await world.push(
        {
            "terraform/wrong.tf": None,
            "terraform/ugly.tf": None,
            "terraform/tests/bye.tftest.hcl": _TEST.replace('"goodbye"', '"test"'),
        }
    )
    await world.told(number)
    check = world.check(number, "gatewright/ci")
    assert (check.conclusion, check.title) == ("success", "fmt, validate and test passed"), check.summary
