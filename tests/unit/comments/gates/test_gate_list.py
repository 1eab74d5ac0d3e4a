from __future__ import annotations

import pytest

from bot.comments.gates.table import gate_table, is_outstanding
from bot.domain.core.refusals import Reason
from bot.domain.gates import GateResult, Outcome


def _gate(name: str, outcome: Outcome, **changes: object) -> GateResult:
    return GateResult(gate=name, outcome=outcome, sentence=f"{name} said so.", **changes)  # type: ignore[arg-type]


def test_open_gates_alone_are_folded() -> None:
    # When
    body = gate_table([_gate("head", Outcome.PASS), _gate("lock", Outcome.PASS)])

    # Then
    assert body.startswith("<details><summary>2 gates passed</summary>\n\n- ✅ **head**: head said so.\n")


def test_one_wrong_gate_among_outstanding_ones_blocks() -> None:
    # When
    body = gate_table(
        [
            _gate("checks", Outcome.INCONCLUSIVE, opens_with="wait for it"),
            _gate("promoted", Outcome.FAIL, opens_with="/apply staging"),
        ]
    )

    # Then
    assert body == (
        "**Blocked by 2 of 2 gates**\n\n"
        "- ⏳ **checks**: checks said so. → wait for it\n"
        "- ❌ **promoted**: promoted said so. → `/apply staging`\n\n"
    )


def test_no_gates_are_no_text() -> None:
    assert gate_table([]) == ""


def test_many_shut_gates_are_counted() -> None:
    # When
    body = gate_table([_gate(f"g{number}", Outcome.FAIL) for number in range(25)])

    # Then
    assert "**Blocked by 25 of 25 gates**" in body
    assert "- and 5 more\n" in body


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        pytest.param(_gate("checks", Outcome.INCONCLUSIVE), True, id="not known yet"),
        pytest.param(_gate("codeowners", Outcome.FAIL, reason=Reason.CODEOWNERS), True, id="no approval"),
        pytest.param(_gate("codeowners", Outcome.ERROR, reason=Reason.CODEOWNERS), False, id="not readable"),
        pytest.param(_gate("promoted", Outcome.FAIL, reason=Reason.PROMOTED), False, id="wrong"),
    ],
)
def test_only_approvals_and_time_are_outstanding(gate: GateResult, expected: object) -> None:
    assert is_outstanding(gate) is expected
