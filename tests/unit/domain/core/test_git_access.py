from __future__ import annotations

import base64

import pytest

from bot.domain.core.errors import WorkspaceError
from bot.domain.core.git_access import module_access, token_config


def test_token_is_sent_to_one_origin_that_may_not_redirect() -> None:
    given = module_access("https://github.example", "ghs_token")

    pairs = {
        given[f"GIT_CONFIG_KEY_{number}"]: given[f"GIT_CONFIG_VALUE_{number}"]
        for number in range(int(given["GIT_CONFIG_COUNT"]))
    }
    secret = base64.b64encode(b"x-access-token:ghs_token").decode()
    assert pairs == {
        "http.https://github.example/.extraheader": f"Authorization: Basic {secret}",
        "http.https://github.example/.followRedirects": "false",
        "credential.helper": "",
    }


@pytest.mark.parametrize("token", ["two\nlines", "a b", "é"])
def test_what_is_no_token_never_becomes_a_header(token: str) -> None:
    with pytest.raises(WorkspaceError, match="no token has"):
        token_config("https://github.example", token)
