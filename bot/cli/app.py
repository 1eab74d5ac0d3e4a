"""The command line of `gatewright app`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bot import settings as settings_module
from bot.cli.console import examples, group, note, show

app = group(
    help="Register the GitHub App.",
    epilog=examples("gatewright app manifest --page register.html", "gatewright app credentials CODE"),
)

_Code = Annotated[str, typer.Argument(metavar="CODE", help="`code` in the address that GitHub redirects to.")]


@app.command(
    epilog=examples(
        "gatewright app manifest --page register.html",
        "gatewright app manifest --page register.html --organization acme",
        "gatewright app manifest --only-required",
    )
)
def manifest(
    *,
    organization: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Organization that owns the App.", show_default="your account"),
    ] = None,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Name of the App; must be unique on GitHub.")
    ] = "Gatewright",
    only_required: Annotated[
        bool, typer.Option("--only-required", help="Leave out optional permissions and events.")
    ] = False,
    page: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a page to open in a browser instead of printing JSON."),
    ] = None,
) -> None:
    """Create the App manifest, as JSON or as a page.

    The page registers the App at GitHub. GATEWRIGHT_PUBLIC_URL is required.
    """
    # Imported here and below so that a command loads only what it needs.
    from bot.registering import NewApp, write_manifest  # noqa: PLC0415 - see above

    new = NewApp(name=name, organization=organization, only_required=only_required, page=page)
    show(write_manifest(_settings("github_api_url", "github_url", "public_url"), new))


@app.command(
    epilog=examples(
        "gatewright app credentials CODE >> .env",
        "gatewright app credentials CODE --key-file /etc/gatewright/app.pem",
    )
)
def credentials(
    code: _Code,
    *,
    key_file: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the private key.")] = Path(
        "github-app.pem"
    ),
) -> None:
    """Fetch the credentials of a new App.

    Writes the private key to a file and prints id and secrets as settings.
    """
    from bot.registering import fetch_credentials  # noqa: PLC0415 - see above

    settings = _settings("github_api_url")
    text = asyncio.run(fetch_credentials(settings, code, key_file))
    show(text)
    note(f"Credentials from {settings.github_api_url}; private key in {key_file}")


def _settings(*needed: str) -> settings_module.Settings:
    reading = settings_module.read()
    reading.require(*needed)
    return reading.settings
