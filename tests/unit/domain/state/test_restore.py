"""What Terraform would forget and wrongly believe after a restore, by address and id."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.domain.state.known_objects import KnownState, known_state, serial_hint, with_serial
from bot.domain.state.restore import Comparison, compare

AWS = 'provider["registry.terraform.io/hashicorp/aws"]'


def resource(name: str, *instances: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "mode": "managed",
        "type": "aws_instance",
        "name": name,
        "provider": AWS,
        "instances": list(instances),
        **more,
    }


def one(id: str | None, **more: Any) -> dict[str, Any]:
    return {"schema_version": 0, "attributes": {} if id is None else {"id": id}, **more}


def state(*resources: dict[str, Any], serial: int = 3, **more: Any) -> bytes:
    made = {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": serial,
        "lineage": "0c7f3a52",
        "outputs": {},
        "resources": list(resources),
        "check_results": None,
        **more,
    }
    return json.dumps(made, indent=2).encode()


def read(*resources: dict[str, Any]) -> KnownState:
    found = known_state(state(*resources))
    assert found is not None
    return found


def shown(found: Comparison) -> dict[str, list[str]]:
    return {
        "orphans": [f"{each.address} {each.id}" for each in found.orphans],
        "ghosts": [f"{each.address} {each.id}" for each in found.ghosts],
        "renamed": [f"{each.now.address} was {each.then.address} {each.now.id}" for each in found.renamed],
    }


WEB, DB = resource("web", one("i-1")), resource("db", one("i-2"))
CASES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, list[str]]]] = {
    "nothing but the serial": ([WEB], [WEB], {}),
    "created since": ([WEB, DB], [WEB], {"orphans": ["aws_instance.db i-2"]}),
    "destroyed since": ([WEB], [WEB, DB], {"ghosts": ["aws_instance.db i-2"]}),
    "replaced since, so both": (
        [resource("web", one("i-9"))],
        [WEB],
        {"orphans": ["aws_instance.web i-9"], "ghosts": ["aws_instance.web i-1"]},
    ),
    "moved since": (
        [resource("front", one("i-1"))],
        [WEB],
        {"renamed": ["aws_instance.front was aws_instance.web i-1"]},
    ),
    "moved into a module": (
        [resource("web", one("i-1"), module='module.site["a"]')],
        [WEB],
        {"renamed": ['module.site["a"].aws_instance.web was aws_instance.web i-1']},
    ),
    "another type at the same address's name": (
        [resource("web", one("i-1"), type="aws_spot_instance")],
        [WEB],
        {"orphans": ["aws_spot_instance.web i-1"], "ghosts": ["aws_instance.web i-1"]},
    ),
    "the same id in another region": (
        [resource("east", one("web"), provider=f"{AWS}.east")],
        [resource("west", one("web"), provider=f"{AWS}.west")],
        {"orphans": ["aws_instance.east web"], "ghosts": ["aws_instance.west web"]},
    ),
    "one more of several": (
        [resource("web", one("i-1", index_key=0), one("i-2", index_key=1))],
        [resource("web", one("i-1", index_key=0))],
        {"orphans": ["aws_instance.web[1] i-2"]},
    ),
    "a key of for_each": (
        [resource("web", one("i-1", index_key='a"b'))],
        [],
        {"orphans": ['aws_instance.web["a\\"b"] i-1']},
    ),
    "a deposed object that lives on": (
        [resource("web", one("i-2"), one("i-1", deposed="1a2b3c4d"))],
        [resource("web", one("i-2"))],
        {"orphans": ["aws_instance.web (deposed 1a2b3c4d) i-1"]},
    ),
    "in place before, deposed now": (
        [resource("web", one("i-2"), one("i-1", deposed="1a2b3c4d"))],
        [WEB],
        {
            "orphans": ["aws_instance.web i-2"],
            "renamed": ["aws_instance.web (deposed 1a2b3c4d) was aws_instance.web i-1"],
        },
    ),
    "two of one id are no more than two": (
        [resource("a", one("none")), resource("b", one("none"))],
        [resource("c", one("none"))],
        {
            "orphans": ["aws_instance.b none"],
            "renamed": ["aws_instance.a was aws_instance.c none"],
        },
    ),
    "without ids the address tells": (
        [resource("web", one(None)), resource("db", one(None))],
        [resource("web", one(None)), resource("old", one(None))],
        {"orphans": ["aws_instance.db None"], "ghosts": ["aws_instance.old None"]},
    ),
    "data sources are read again": ([WEB, resource("ami", one("x"), mode="data")], [WEB], {}),
    "everything": ([WEB, DB], [], {"orphans": ["aws_instance.web i-1", "aws_instance.db i-2"]}),
}


@pytest.mark.parametrize(("now", "then", "expected"), CASES.values(), ids=CASES)
def test_what_would_be_forgotten_and_believed_is_counted(
    now: list[dict[str, Any]], then: list[dict[str, Any]], expected: dict[str, list[str]]
) -> None:
    found = compare(read(*now).objects, read(*then).objects)

    assert shown(found) == {"orphans": [], "ghosts": [], "renamed": [], **expected}
    assert found.count == sum(len(each) for each in expected.values())


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"",
        b"\x00\xff garbage",
        state(WEB)[:-40],
        b"[]",
        b'{"version": 4, "serial": 3}',
        state(serial=-1),
        state(version=3),
        state(resources={}),
        state(resources=[{"mode": "managed"}]),
        state(resources=[None]),
    ],
    ids=[
        "no object",
        "empty",
        "garbage",
        "cut off",
        "a list",
        "no lineage",
        "negative serial",
        "another format",
        "resources are no list",
        "a resource without a name",
        "a resource that is null",
    ],
)
def test_what_is_not_whole_state_is_not_read_at_all(data: bytes | None) -> None:
    assert known_state(data) is None


def test_only_the_serial_is_changed_and_numbers_keep_their_digits() -> None:
    attributes = {"id": "1", "serial": 3, "size": 0}
    before = state(resource("disk", {"attributes": attributes}), outputs={"serial": {"value": 3}})
    before = before.replace(b'"size": 0', b'"size": 12345678901234567890.123456789')
    # The name stands earlier in some resource, too.
    first = before.replace(b'"version": 4', b'"note": {"serial": 3}, "version": 4')

    for text in (before, first):
        after = with_serial(text, 41)
        assert json.loads(after) == {**json.loads(text), "serial": 41}
        assert after.replace(b'"serial": 41', b'"serial": 3') == text


def test_a_damaged_state_may_still_tell_its_serial() -> None:
    assert serial_hint(state(WEB, serial=17)[:90]) == 17
    assert serial_hint(b"\x00garbage") == 0
    assert serial_hint(None) == 0


def test_what_a_state_marks_as_sensitive_is_known_as_secret() -> None:
    path = [
        {"type": "get_attr", "value": "tags"},
        {"type": "index", "value": {"value": "key", "type": "string"}},
    ]
    held = one("i-1", sensitive_attributes=[path])
    held["attributes"]["tags"] = {"key": "hunter2-hunter2", "name": "web"}
    secret_id = one("token-as-id", sensitive_attributes=[[{"type": "get_attr", "value": "id"}]])
    outputs = {"password": {"value": "pass-word", "sensitive": True}, "url": {"value": "http://here"}}

    found = known_state(state(resource("web", held), resource("key", secret_id), outputs=outputs))

    assert found is not None
    assert found.secrets == {"hunter2-hunter2", "token-as-id", "pass-word"}
    assert [each.is_secret for each in found.objects] == [False, True]
