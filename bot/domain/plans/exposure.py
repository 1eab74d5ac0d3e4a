"""Detect resources that are open to the public, by the shape of their planned values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_NETWORK_TYPE = re.compile(r"security_group|secgroup|firewall|network_security|network_acl|security_list")
_ANYWHERE = frozenset({"0.0.0.0/0", "::/0"})
_ANYWHERE_WORDS = frozenset({"*", "internet", "any"})
_SOURCE_KEY = re.compile(r"cidr|source|remote_ip_prefix|^ranges$")
_OUTBOUND_KEY = re.compile(r"egress|outbound|destination")
_OUTBOUND_WORDS = frozenset({"egress", "outbound", "out"})
_REFUSING_WORDS = frozenset({"deny", "drop", "reject"})
_PUBLIC_ACLS = frozenset({"public-read", "public-read-write", "authenticated-read"})
_PUBLIC_MEMBERS = frozenset({"allUsers", "allAuthenticatedUsers"})
_OWNER_ROLES = frozenset({"roles/owner", "roles/editor", "Owner", "Contributor"})
_PUBLIC_SWITCHES = {
    "publicly_accessible": True,
    "public_network_access_enabled": True,
    "allow_blob_public_access": True,
    "allow_nested_items_to_be_public": True,
    "block_public_acls": False,
    "block_public_policy": False,
    "ignore_public_acls": False,
    "restrict_public_buckets": False,
}


def exposures(type_: str, values: Any) -> set[str]:
    """Return what this resource exposes to the public, as phrases that follow its address."""
    if not isinstance(values, Mapping):
        return set()
    return {*_network(type_, values), *_switches(values), *_members(values), *_policies(values)}


def _network(type_: str, values: Mapping[str, Any]) -> Iterator[str]:
    if not _NETWORK_TYPE.search(type_):
        return
    pending: list[tuple[str, Any]] = [("", values)]
    while pending:
        key, value = pending.pop()
        if isinstance(value, Mapping):
            if not _leads_out(value):
                pending += [(inner, item) for inner, item in value.items() if not _OUTBOUND_KEY.search(inner)]
        elif isinstance(value, list):
            pending += [(key, item) for item in value]
        elif isinstance(value, str) and (value in _ANYWHERE or _is_anyone(key, value)):
            yield f"accepts traffic from {value}"


def _is_anyone(key: str, value: str) -> bool:
    return value.lower() in _ANYWHERE_WORDS and _SOURCE_KEY.search(key) is not None and "port" not in key


def _leads_out(block: Mapping[str, Any]) -> bool:
    """Whether a rule is for outgoing traffic, or denies access."""
    direction = str(block.get("direction") or block.get("type") or "").lower()
    verdict = str(block.get("access") or block.get("action") or block.get("rule_action") or "").lower()
    refuses = verdict in _REFUSING_WORDS or bool(block.get("deny"))
    return refuses or direction in _OUTBOUND_WORDS or block.get("egress") is True


def _switches(values: Mapping[str, Any]) -> Iterator[str]:
    for key, public in _PUBLIC_SWITCHES.items():
        if values.get(key) is public:
            yield f"sets {key} = {json.dumps(public)}"
    if values.get("acl") in _PUBLIC_ACLS:
        yield f"has the public ACL {values['acl']}"
    if values.get("container_access_type") in {"blob", "container"}:
        yield f"sets container_access_type = {values['container_access_type']}"


def _members(values: Mapping[str, Any]) -> Iterator[str]:
    listed = values.get("members")
    members = [values.get("member"), *(listed if isinstance(listed, list) else ())]
    for member in sorted(_PUBLIC_MEMBERS.intersection(item for item in members if isinstance(item, str))):
        yield f"grants access to {member}"
    for key in ("role", "role_definition_name"):
        if values.get(key) in _OWNER_ROLES:
            yield f"grants the role {values[key]}"


def _policies(values: Mapping[str, Any]) -> Iterator[str]:
    """Search every text that is an IAM policy document."""
    pending: list[Any] = [values]
    while pending:
        value = pending.pop()
        if isinstance(value, Mapping):
            pending += value.values()
        elif isinstance(value, list):
            pending += value
        elif isinstance(value, str) and '"Statement"' in value:
            yield from _statements(value)


def _statements(text: str) -> Iterator[str]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return
    for statement in _listed(document.get("Statement") if isinstance(document, Mapping) else None):
        if not isinstance(statement, Mapping) or statement.get("Effect") != "Allow":
            continue
        if {"*", "*:*"}.intersection(_texts(statement.get("Action"))):
            yield "allows every action (IAM *)"
        if "*" in _texts(statement.get("Principal")) and not statement.get("Condition"):
            yield "allows every principal (IAM *)"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _texts(value: Any) -> list[str]:
    inner = (
        [item for part in value.values() for item in _listed(part)]
        if isinstance(value, Mapping)
        else _listed(value)
    )
    return [item for item in inner if isinstance(item, str)]
