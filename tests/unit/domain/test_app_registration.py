"""What the App lacks at GitHub, and what to click."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.core.app_permissions import EVENTS, PERMISSIONS, app_events, app_permissions
from bot.domain.core.app_registration import (
    AppInstallation,
    AppRegistration,
    Difference,
    WebhookSettings,
    app_differences,
    installation_differences,
    webhook_differences,
)

WEB = "https://github.com"
APP = AppRegistration(
    slug="gatewright",
    name="Gatewright",
    owner="acme",
    is_of_organization=True,
    permissions=app_permissions(),
    events=frozenset(app_events()),
)
INSTALLATION = AppInstallation(
    id=7,
    account="acme",
    is_of_organization=True,
    permissions=app_permissions(),
    events=frozenset(app_events()),
    is_suspended=False,
    address="https://github.com/organizations/acme/settings/installations/7",
)
HOOK = WebhookSettings(
    url="https://gw.example/webhooks/github",
    content_type="json",
    has_secret=True,
    is_certificate_checked=True,
)


def told(differences: list[Difference]) -> list[tuple[bool, str]]:
    return [(each.is_wrong, each.sentence) for each in differences]


def without(*names: str) -> dict[str, str]:
    return {name: level for name, level in app_permissions().items() if name not in names}


def test_an_app_as_the_table_says_has_no_difference() -> None:
    assert list(app_differences(APP, WEB)) == []
    assert list(installation_differences(APP, INSTALLATION, "acme/infra")) == []
    assert list(webhook_differences(HOOK, APP, public_url="https://gw.example", web_origin=WEB)) == []


def test_missing_optional_permission_says_what_is_lost_and_its_page() -> None:
    app = replace(APP, permissions=without("merge_queues"), events=APP.events - {"merge_group"})

    assert told(list(app_differences(app, WEB))) == [
        (
            False,
            (
                "the App does not ask for Merge queues (read), so a merge queue never gets Gatewright's checks and removes"
                " the pull request after its time limit: set Merge queues to Read-only below Repository permissions and"
                " subscribe to"
                " Merge group at https://github.com/organizations/acme/settings/apps/gatewright/permissions and save; each"
                " account must accept it then"
            ),
        )
    ]


@pytest.mark.parametrize(
    ("permissions", "wrong"),
    [
        (without("checks"), True),
        ({**app_permissions(), "contents": "read"}, False),
        (without("contents"), True),
        ({**app_permissions(), "issues": "read"}, False),
        (without("issues"), True),
        (without("deployments"), False),
        (without("members"), False),
        ({**app_permissions(), "pull_requests": "read"}, True),
        ({**app_permissions(), "administration": "write"}, False),
        ({**app_permissions(), "statuses": "write"}, False),
    ],
)
def test_only_what_gatewright_cannot_work_without_is_wrong(permissions: dict[str, str], wrong: bool) -> None:  # noqa: FBT001
    app = replace(APP, permissions=permissions)

    differences = list(app_differences(app, WEB))

    assert [each.is_wrong for each in differences] == [wrong]
    assert "/settings/apps/gatewright/permissions" in differences[0].sentence


def test_an_app_of_a_person_has_its_settings_elsewhere() -> None:
    app = replace(APP, owner="dev", is_of_organization=False)

    assert app.settings(WEB) == "https://github.com/settings/apps/gatewright"


@pytest.mark.parametrize(("event", "wrong"), [("issue_comment", True), ("merge_group", False)])
def test_an_event_that_is_not_subscribed_to_is_named(event: str, wrong: bool) -> None:  # noqa: FBT001
    app = replace(APP, events=APP.events - {event})

    [difference] = app_differences(app, WEB)

    assert difference.is_wrong is wrong
    title = next(each.title for each in EVENTS if each.name == event)
    assert f'not subscribed to "{title}"' in difference.sentence
    assert 'select it below "Subscribe to events"' in difference.sentence


def test_what_account_has_not_accepted_names_its_owner_and_page() -> None:
    installation = replace(INSTALLATION, permissions={**without("merge_queues"), "checks": "read"})

    assert told(list(installation_differences(APP, installation, "acme/infra"))) == [
        (
            True,
            (
                'acme has not accepted Checks (write): an owner of acme must click "Review request" at'
                " https://github.com/organizations/acme/settings/installations/7"
            ),
        ),
        (
            False,
            (
                "acme has not accepted Merge queues (read), so a merge queue never gets Gatewright's checks and removes the"
                ' pull request after its time limit: an owner of acme must click "Review request" at'
                " https://github.com/organizations/acme/settings/installations/7"
            ),
        ),
    ]


def test_permissions_the_app_does_not_request_are_not_missed() -> None:
    app = replace(APP, permissions=without("merge_queues"))
    installation = replace(INSTALLATION, permissions=without("merge_queues"))

    assert list(installation_differences(app, installation, "acme/infra")) == []


def test_event_that_an_account_does_not_send_yet_is_named() -> None:
    installation = replace(INSTALLATION, events=INSTALLATION.events - {"push"})

    [difference] = installation_differences(APP, installation, "acme/infra")

    assert difference.is_wrong
    assert difference.sentence.startswith('acme sends no event "Push" yet (Who pushed a commit;')


def test_a_personal_account_has_no_members_to_accept() -> None:
    installation = replace(INSTALLATION, is_of_organization=False, permissions=without("members"))

    assert list(installation_differences(APP, installation, "dev/infra")) == []


def test_a_suspended_installation_is_wrong() -> None:
    [difference] = installation_differences(APP, replace(INSTALLATION, is_suspended=True), "acme/infra")

    assert difference.is_wrong
    assert difference.sentence.startswith(
        "the App is suspended on acme, so nothing reaches Gatewright from acme/infra"
    )
    assert 'must click "Unsuspend" at https://github.com' in difference.sentence


@pytest.mark.parametrize(
    ("hook", "public_url", "words"),
    [
        (replace(HOOK, url=None), "https://gw.example", "has no webhook"),
        (
            replace(HOOK, url="https://old.example/webhooks/github"),
            "https://gw.example",
            "and not to https://gw.example",
        ),
        (replace(HOOK, url="https://gw.example/"), "", "does not end with /webhooks/github"),
        (
            replace(HOOK, content_type="form"),
            "https://gw.example",
            'set the content type to "application/json"',
        ),
        (
            replace(HOOK, has_secret=False),
            "https://gw.example",
            "enter the value of GATEWRIGHT_WEBHOOK_SECRET",
        ),
        (
            replace(HOOK, is_certificate_checked=False),
            "https://gw.example",
            'select "Enable SSL verification"',
        ),
    ],
    ids=["none", "elsewhere", "another path", "a form", "no secret", "no certificate"],
)
def test_a_webhook_that_brings_nothing_says_what_to_change(
    hook: WebhookSettings, public_url: str, words: str
) -> None:
    [difference] = webhook_differences(hook, APP, public_url=public_url, web_origin=WEB)

    assert words in difference.sentence
    assert "https://github.com/organizations/acme/settings/apps/gatewright" in difference.sentence


def test_rows_of_the_table_are_consistent() -> None:
    names = [each.name for each in PERMISSIONS]
    assert names == sorted(set(names))
    for each in PERMISSIONS:
        # What can be left out says what is lost, what cannot says nothing of the kind.
        assert bool(each.lost) == (each.required is not each.access)
        assert each.required is None or each.access.includes(each.required)
    for event in EVENTS:
        assert event.permission in names
        if event.required:
            assert next(each for each in PERMISSIONS if each.name == event.permission).required is not None


def test_only_required_permissions_bring_only_their_events() -> None:
    required = app_permissions(only_required=True)

    assert required == {
        "checks": "write",
        "contents": "read",
        "issues": "read",
        "metadata": "read",
        "pull_requests": "write",
    }
    assert set(app_events(required)) == {
        "check_run",
        "check_suite",
        "issue_comment",
        "pull_request",
        "pull_request_review",
        "push",
    }
