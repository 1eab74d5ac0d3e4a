"""Verify webhooks and read them into frozen values, or raise `BadRequest`."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.core.model import DeliveryId, Login
from bot.events import PAYLOADS, BadRequest, Payload, payload_of

__all__ = [
    "PAYLOADS",
    "BadRequest",
    "IncomingEvent",
    "Payload",
    "check_signature",
    "parse_event",
    "payload_of",
]

SIGNATURE = "x-hub-signature-256"
_SIGNATURE = re.compile(r"sha256=[0-9a-fA-F]{64}")
_EVENT = re.compile(r"[a-z][a-z0-9_]{0,63}")
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingEvent:
    """A delivery whose signature and shape are right."""

    delivery_id: DeliveryId
    event: str
    action: str | None
    repo_full_name: str | None
    repo_id: int | None
    pull: int | None
    """The one pull request that it is about; None also for a plain issue."""
    sender: Login | None
    payload: Payload = field(repr=False)


def parse_event(headers: Mapping[str, str], body: bytes, *, secret: str) -> IncomingEvent:
    """Return the event of a webhook request. Raises BadRequest and nothing else."""
    lowered = {name.lower(): value for name, value in headers.items()}
    # Before anything of the body is read.
    check_signature(lowered.get(SIGNATURE), body, secret)
    _check_content_type(lowered.get("content-type", ""))
    event = _header(lowered, "x-github-event", _EVENT)
    delivery_id = _header(lowered, "x-github-delivery", _GUID)
    payload = payload_of(event, body)
    return IncomingEvent(
        delivery_id=DeliveryId(delivery_id.lower()),
        event=event,
        action=payload.action,
        repo_full_name=None if payload.repository is None else payload.repository.full_name,
        repo_id=None if payload.repository is None else payload.repository.id,
        pull=payload.pull,
        sender=None if payload.sender is None else Login(payload.sender.login),
        payload=payload,
    )


def check_signature(signature: str | None, body: bytes, secret: str) -> None:
    """Raise BadRequest unless `signature` is the HMAC-SHA256 of the body under the secret."""
    if not secret:
        raise BadRequest(503, "no webhook secret is configured, so no delivery can be accepted")
    if signature is None:
        raise BadRequest(401, "X-Hub-Signature-256 is missing; a SHA-1 signature alone is not accepted")
    if not _SIGNATURE.fullmatch(signature):
        raise BadRequest(400, "X-Hub-Signature-256 is not sha256= and 64 hexadecimal digits")
    expected = hmac.new(secret.encode("utf-8", "surrogatepass"), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature.removeprefix("sha256=").lower(), expected):
        raise BadRequest(401, "X-Hub-Signature-256 does not fit the body and the webhook secret")


def _check_content_type(content_type: str) -> None:
    kind = content_type.partition(";")[0].strip().lower()
    if kind != _JSON:
        raise BadRequest(415, f"set the webhook's content type to {_JSON} in the App's settings")


def _header(headers: Mapping[str, str], name: str, shape: re.Pattern[str]) -> str:
    value = headers.get(name, "")
    if not shape.fullmatch(value):
        raise BadRequest(400, f"the header {name} is missing or malformed")
    return value
