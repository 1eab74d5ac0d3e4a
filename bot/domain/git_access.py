"""Git's way to the private repositories of one server, as variables of a process."""

from __future__ import annotations

import base64
import re

from bot.domain.errors import WorkspaceError

_TOKEN = re.compile(r"[\x21-\x7e]+")


def token_config(origin: str, token: str) -> dict[str, str]:
    """Return the configuration that sends a token to one origin; it travels by environment only."""
    if not token:
        return {}
    return {f"http.{origin}/.extraheader": f"Authorization: Basic {basic(token)}"}


def basic(token: str) -> str:
    """Return a token as git sends it; WorkspaceError when it is none."""
    if not _TOKEN.fullmatch(token):
        raise WorkspaceError("the token for git holds characters that no token has")
    return base64.b64encode(f"x-access-token:{token}".encode()).decode()


def as_environment(config: dict[str, str]) -> dict[str, str]:
    """Return the variables that configure any git of a process and of what it starts."""
    variables = {"GIT_CONFIG_COUNT": str(len(config))}
    for number, (key, value) in enumerate(config.items()):
        variables[f"GIT_CONFIG_KEY_{number}"] = key
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables


def module_access(origin: str, token: str) -> dict[str, str]:
    """Return the variables with which git fetches from an origin with a token, and sends it nowhere else.

    A redirection is not followed there, because git would repeat the header at the address it is sent to; and no
    helper of the machine is asked for a password, or told this one.
    """
    return as_environment(
        {
            **token_config(origin, token),
            f"http.{origin}/.followRedirects": "false",
            "credential.helper": "",
        }
    )
