"""Webhook payloads, as GitHub sends them."""

from __future__ import annotations

USER = {"login": "dev", "id": 1, "type": "User"}
REPOSITORY = {
    "id": 5,
    "full_name": "acme/infra",
    "name": "infra",
    "owner": {"login": "acme", "type": "Organization"},
    "default_branch": "main",
    "fork": False,
}
COMMON = {"repository": REPOSITORY, "installation": {"id": 77}, "sender": USER}
COMMENT = {
    "id": 3_000_000_000_000,
    "body": "/plan",
    "created_at": "2026-03-01T12:00:00Z",
    "user": USER,
    "performed_via_github_app": None,
}
