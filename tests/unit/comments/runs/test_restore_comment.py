from __future__ import annotations

from typing import Any

import pytest
from inline_snapshot import snapshot

from bot.comments.markdown.budget import LIMIT
from bot.comments.markdown.header import parse_header
from bot.comments.runs.report import RunView
from bot.comments.runs.restore import ProposalView, proposal_comment, restore_comment, versions_comment
from bot.domain.core.model import RunId, RunKind, RunStatus, StateIdentity
from bot.domain.state.known_objects import Known
from bot.domain.state.restore import Comparison, Found, Renamed, as_detail
from bot.ports import StateVersion
from tests.fakes.accounts import account
from tests.fakes.records import builders
from tests.unit.comments.rendered import MENTION, outside_code
from tests.unit.comments.samples import RUN_URL, run


def known(address: str, id: str | None = "i-1") -> Known:
    return Known(address=address, type="aws_instance", provider="aws", id=id)


FOUND = Comparison(
    orphans=(known('aws_instance.web["a"]'), known("terraform_data.note", None)),
    ghosts=(known("aws_instance.old", "i-2"),),
    renamed=(Renamed(now=known("aws_instance.front", "i-3"), then=known("aws_instance.back", "i-3")),),
)


def version(serial: int = 12) -> StateVersion:
    return StateVersion(
        state_key=builders.stack().state_key,
        identity=StateIdentity(serial=serial, lineage="0c7f3a52", sha256="d" * 64),
        object_key=f"history/{serial}",
        commit=builders.HEAD,
        actor=account("dev"),
        run_id=RunId("rbefore123456789"),
        moment="after",
        taken_at=builders.NOON,
    )


def proposed(**changes: Any) -> str:
    values: dict[str, Any] = {
        "stack": builders.stack(),
        "source": version(),
        "serial": 16,
        "found": Found.STATE,
        "believed": None,
        "current_serial": 15,
        "comparison": FOUND,
        "command": "/state restore staging 12 --confirm 4",
    }
    return proposal_comment(ProposalView(**(values | changes)))


def ended(**changes: Any) -> str:
    values = {"kind": RunKind.RESTORE, "plan_id": None, "actor": account("admin")}
    return restore_comment(RunView(run=run(**(values | changes)), run_url=RUN_URL))


def test_the_versions_that_were_kept_are_listed() -> None:
    assert versions_comment(builders.stack(), [version(12), version(9)]) == snapshot("""\
<!-- gatewright {"kind": "restore", "env": "staging", "project": "default", "status": "versions"} -->
### 🛟 staging: versions of its state

| Serial | Kept | When | Commit | By | Lineage |
| --- | --- | --- | --- | --- | --- |
| 12 | 2026-03-04T12:00Z | after run `rbefore123456789` | `aaaaaaa` | `dev` | `0c7f3a52` |
| 9 | 2026-03-04T12:00Z | after run `rbefore123456789` | `aaaaaaa` | `dev` | `0c7f3a52` |

Of versions with the same serial the newest is meant. To see what restoring one would bring about, comment `/state restore staging SERIAL`.
""")
    assert "nothing there yet" in versions_comment(builders.stack(), [])
    assert (
        len(versions_comment(builders.stack(), [version(number) for number in range(2000)]).encode()) <= LIMIT
    )


def test_what_restore_would_bring_about_is_said_with_its_count() -> None:
    assert proposed() == snapshot("""\
<!-- gatewright {"kind": "restore", "env": "staging", "project": "default", "status": "proposed"} -->
### 🛟 staging: restoring serial 12 concerns 4 objects

**Nothing was changed.**

- The snapshot: kept after run `rbefore123456789` of `dev`, commit `aaaaaaa`, 2026-03-04T12:00Z
- Compared with the state of now, serial 15
- It would be written with its lineage and as serial 16, above every serial ever used; every plan would be void, and the environment on hold until a plan made after it is applied.

**2 would be forgotten.** Not in the restored state: these objects keep running, but Terraform no longer manages them, and where the code still has the address, the next apply creates a duplicate.

- `aws_instance.web["a"]`, id `i-1`
- `terraform_data.note`, no id

**1 would be added back to the state.** Only in the restored state: these objects may no longer exist. Terraform re-creates the ones that it finds missing. Types that it cannot refresh, such as `terraform_data`, stay in the state. Objects that were moved to another state are managed twice.

- `aws_instance.old`, id `i-2`

**1 would be known by another address.** In both states, under another address: code with the newer address destroys and re-creates them, unless a `moved` block names both addresses.

- `aws_instance.front`, id `i-3`, as `aws_instance.back`

What Terraform created or destroyed stays as it is: a state is only what it believes. To undo a change, use `/revert staging`.

To restore it, an administrator comments `/state restore staging 12 --confirm 4`.
""")


@pytest.mark.parametrize(
    ("found", "believed", "words"),
    [
        (
            Found.UNREADABLE,
            version(14),
            "is not a readable state**; it will be kept byte for byte. Compared with",
        ),
        (
            Found.MISSING,
            version(14),
            "There is no state object in the bucket**. Compared with its newest readable",
        ),
        (Found.MISSING, None, "so there is nothing to compare with"),
    ],
    ids=["damaged", "gone", "gone, and nothing readable"],
)
def test_it_is_said_what_was_compared(found: Found, believed: StateVersion | None, words: str) -> None:
    assert words in proposed(found=found, believed=believed)


def test_end_says_what_became_void_and_how_it_goes_on() -> None:
    detail = {"state": "restored", "serial_before": 15, "serial_after": 16, **as_detail(FOUND)}

    said = ended(detail=detail, summary="Serial 12 was restored and written as serial 16.")

    assert said == snapshot("""\
<!-- gatewright {"kind": "restore", "env": "staging", "project": "default", "run": "r123456789abcdef", "status": "restored"} -->
### 🛟 staging: its state was restored

Commit `aaaaaaa` · requested by `admin` · took 1 min 12 s · [run `r123456789abcdef`](<https://gatewright.example/runs/r123456789abcdef>)

Serial 12 was restored and written as serial 16.

- The serial is now 16 (it was 15); the lineage is the same.
- Every plan of the stack is void.
- staging is **on hold** until a plan that was made after this is applied.

**Forgotten now: 2.** Not in the restored state: these objects keep running, but Terraform no longer manages them, and where the code still has the address, the next apply creates a duplicate.

- `aws_instance.web["a"]`, id `i-1`
- `terraform_data.note`, no id

**Added back to the state now: 1.** Only in the restored state: these objects may no longer exist. Terraform re-creates the ones that it finds missing. Types that it cannot refresh, such as `terraform_data`, stay in the state. Objects that were moved to another state are managed twice.

- `aws_instance.old`, id `i-2`

**Known by another address now: 1.** In both states, under another address: code with the newer address destroys and re-creates them, unless a `moved` block names both addresses.

- `aws_instance.front`, id `i-3`, as `aws_instance.back`

**Next**
- To see what the code makes of it, on an open pull request, comment `/plan staging`.
- To take in what was forgotten, with the address that the code has and the id above, comment `/import staging ADDRESS ID`.
- If that plan changes nothing, to go on as before, comment `/unhold staging`.
""")


def test_what_was_left_out_of_the_record_is_counted() -> None:
    many = Comparison(orphans=tuple(known(f"aws_instance.web[{number}]") for number in range(500)))

    said = ended(detail={"state": "restored", **as_detail(many)}, summary="Restored.")

    assert "**Forgotten now: 500.**" in said
    assert "- and 300 more" in said


@pytest.mark.parametrize(
    ("status", "detail", "words"),
    [
        (RunStatus.INTERRUPTED, {"state": "not_changed"}, "/state restore staging"),
        (RunStatus.INTERRUPTED, {"state": "changed"}, "**on hold**"),
        (RunStatus.CANCELED, {"started": False}, "/state restore staging"),
        (
            RunStatus.FAILED,
            {"problem": "refused", "refusals": [{"reason": "locked", "sentence": "Held by Terraform."}]},
            "Nothing was changed. Held by Terraform.",
        ),
    ],
    ids=["not written", "neither", "canceled", "refused"],
)
def test_a_restore_that_did_not_happen_says_so(status: RunStatus, detail: dict[str, Any], words: str) -> None:
    said = ended(status=status, detail=detail, summary="It did not happen.")

    assert words in said
    assert (parse_header(said) or {})["kind"] == ("refusal" if "refusals" in detail else "restore")


def test_ids_and_addresses_can_do_nothing_but_be_read() -> None:
    nasty = known("aws_instance.`@everyone`|x", "`<b>@octocat</b> #1\n## title")

    said = proposed(comparison=Comparison(orphans=(nasty,), renamed=(Renamed(now=nasty, then=nasty),)))

    assert MENTION.search(outside_code(said)) is None
    assert "<b>" not in said
    assert "\n## title" not in said


def test_thousands_of_objects_fit_and_the_command_stays() -> None:
    many = tuple(
        known(f"module.a_rather_long_name.aws_instance.web[{number}]", "i" * 40) for number in range(5000)
    )

    said = proposed(comparison=Comparison(orphans=many), command="/state restore staging 12 --confirm 5000")

    assert len(said.encode()) <= LIMIT
    assert "Left out for length" in said
    assert "--confirm 5000" in said
