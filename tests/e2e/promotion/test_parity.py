"""Twins are compared on request, and by a check where the policy asks for it."""

from __future__ import annotations

from tests.e2e.world import DEV, MOTTO, READER, World

_UNUSED = "{environments: [staging, prod], difference: var.gone, reason: it was meant once}"
_MEANT = "{environments: [staging, prod], difference: var.motto, reason: only staging has one}"


def _asking(*allowed: str) -> str:
    return f"\nparity: {{check: true, allowed: [{', '.join(allowed)}]}}\n"


async def test_twins_are_compared_in_a_check_and_in_an_answer(world: World) -> None:
    # Given a policy that asks for the check, and a variable that the server's settings give to staging alone,
    await world.change_policy(lambda text: text + _asking(_UNUSED))
    # when a pull request is opened,
    number, _ = await world.open_planned("Alike")
    # then the check tells the difference by name, without the value.
    check = world.check(number, "gatewright/parity")
    assert (check.conclusion, MOTTO in str(check)) == ("failure", False)
    assert "staging ≈ prod: 1 difference" in str(check.title)
    assert "| `var.motto` | `set` | `not set` | ❌ differs |" in str(check.summary)

    # When staging is applied and somebody who may only read asks,
    await world.applied(number)
    await world.comment(number, "/parity staging", by=READER)
    # then each side says what it is of, and what is allowed in vain is told.
    said = await world.hear(number, kind="parity", env="staging", status="differs")
    assert f"staging: commit `{world.head(number)[:7]}`, in place since" in said.body
    assert "| resources | | | ⚪ not comparable: prod was never applied |" in said.body
    assert (
        "`var.gone` between prod, staging is allowed (it was meant once), and nothing of it differs"
        in said.body
    )
    assert "ci ≈ dev" not in said.body

    # When the difference is allowed on the default branch and the check's button is pressed,
    await world.change_policy(lambda text: text.replace(_UNUSED, _MEANT))
    await world.github.press(check.id, "parity", author=DEV)
    # then it is allowed with its reason, and the check follows.
    said = await world.hear(number, kind="parity", status="not_comparable")
    assert "| `var.motto` | `set` | `not set` | ☑️ allowed: only staging has one |" in said.body
    assert "dev: on developers' machines" in said.body
    await world.github.rerequest(check.id, author=DEV)
    await world.hear(number, kind="parity", status="not_comparable")
    await world.comment(number, "/parity dev -p other")
    await world.refused(number, "project")
    await world.told(number)
    assert world.check(number, "gatewright/parity").conclusion == "neutral"
