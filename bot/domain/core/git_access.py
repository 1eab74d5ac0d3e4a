"""Access of git to the private repositories of one server, as environment variables."""

from __future__ import annotations

import base64
import re

from bot.domain.core.errors import WorkspaceError

_TOKEN = re.compile(r"[\x21-\x7e]+")


def token_config(origin: str, token: str) -> dict[str, str]:
    """Return the configuration that sends a token to one origin only."""
    if not token:
        return {}
    return {f"http.{origin}/.extraheader": f"Authorization: Basic {basic(token)}"}


def basic(token: str) -> str:
    """Return a token as git sends it; WorkspaceError where it is not one."""
    if not _TOKEN.fullmatch(token):
        raise WorkspaceError("the token for git holds characters that no token has")
    return base64.b64encode(f"x-access-token:{token}".encode()).decode()


def as_environment(config: dict[str, str]) -> dict[str, str]:
    """Return the environment variables that configure git in a process and its children."""
    variables = {"GIT_CONFIG_COUNT": str(len(config))}
    for number, (key, value) in enumerate(config.items()):
        variables[f"GIT_CONFIG_KEY_{number}"] = key
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables


def module_access(origin: str, token: str) -> dict[str, str]:
    """Return the variables with which git sends a token to one origin and nowhere else."""
    # Git would repeat the header at the target of a redirect, and a credential helper could store the token.
    return as_environment(
        {
            **token_config(origin, token),
            f"http.{origin}/.followRedirects": "false",
            "credential.helper": "",
        }
    )
