"""The command line of `gatewright state`."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

import typer

from bot import settings as settings_module
from bot.cli.console import AsJson, examples, group, note, show, show_json
from bot.domain.core.errors import GatewrightError

app = group(
    help="Manage the owners of Terraform states.",
    epilog=examples("gatewright state owner", "gatewright state owner KEY --move acme/infra"),
)
_RECORDS: Final = ("database_url", "data_dir", "state_bucket")
_STORE: Final = ("s3_endpoint_url", "s3_region", "s3_access_key_id", "s3_secret_access_key")


@app.callback()
def _group() -> None:
    """Manage the owners of Terraform states."""


@app.command(
    epilog=examples(
        "gatewright state owner                                              list all owners",
        "gatewright state owner prod/terraform.tfstate --json",
        "gatewright state owner prod/terraform.tfstate --move acme/network   change the owner",
        "gatewright state owner prod/terraform.tfstate --forget              remove the owner",
    )
)
def owner(
    key: Annotated[
        str | None, typer.Argument(metavar="KEY", help="Key of a state.", show_default="all states")
    ] = None,
    *,
    move: Annotated[
        str | None, typer.Option(metavar="OWNER/NAME", help="Make this repository the owner.")
    ] = None,
    project: Annotated[
        str | None, typer.Option("-p", "--project", metavar="NAME", help="With --move: the owner's project.")
    ] = None,
    env: Annotated[
        str | None, typer.Option(metavar="NAME", help="With --move: the owner's environment.")
    ] = None,
    forget: Annotated[
        bool, typer.Option("--forget", help="Remove the owner of a state without resources.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show or change the owner of a state.

    The owner is a repository, project and environment; only it plans and applies the state. GATEWRIGHT_STATE_BUCKET and GATEWRIGHT_DATABASE_URL (or
    GATEWRIGHT_DATA_DIR) are required; --forget also needs the S3 settings.
    """
    # Imported here so that other commands need not load it.
    from bot.cli import state_owner  # noqa: PLC0415 - see above

    if (move is not None or forget) and key is None:
        raise GatewrightError("KEY is missing: gatewright state owner KEY --move OWNER/NAME, or --forget")
    if move is not None and forget:
        raise GatewrightError("--move and --forget exclude each other")
    settings = _settings(*(_STORE if forget else ()))
    if key is not None and move is not None:
        new = state_owner.NewOwner(repo=move, project=project, env=env)
        show(asyncio.run(state_owner.move(settings, key, new)))
    elif key is not None and forget:
        show(asyncio.run(state_owner.forget(settings, key)))
    else:
        owners = asyncio.run(state_owner.owners(settings, key))
        if as_json:
            show_json(state_owner.owners_json(owners))
        else:
            show("\n".join(state_owner.owner_lines(settings, key, owners)))
    note(f"Database {settings.database_label}, bucket {settings.state_bucket}")


def _settings(*more: str) -> settings_module.Settings:
    """Return the settings; SettingsError only where those that are used here are wrong."""
    reading = settings_module.read()
    reading.require(*_RECORDS, *more)
    return reading.settings
