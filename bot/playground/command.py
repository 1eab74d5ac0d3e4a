"""`gatewright playground`: for people in a browser, or as a script that tells by its exit code."""

from __future__ import annotations

import asyncio
import shutil
import signal
from pathlib import Path

from rich.console import Console

from bot.playground.seed import REPO, seed
from bot.playground.stack import Playground, Ports
from bot.playground.story import StoryError, change_message, tell

_out = Console(soft_wrap=True, highlight=False)


async def play(*, directory: Path, script: bool, reset: bool, port: int) -> int:
    """Run the playground until it is interrupted, or play the script; returns the exit code."""
    if script:
        directory = directory / "demo"
    if reset or script:
        await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)
    ports = Ports() if script or port == 0 else Ports(github=port, bot=port + 1, sites=port + 2)
    playground = Playground(directory=directory, ports=ports)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        await playground.start()
        await seed(playground)
        _welcome(playground)
        if script:
            return await _script(playground)
        await _first_pull(playground)
        await stop.wait()
        _out.print("Stopping; the data stays for the next start (`--reset` forgets it).")
        return 0
    finally:
        await playground.stop()


def _welcome(playground: Playground) -> None:
    engine = playground.engine
    _out.print("[bold]Gatewright's playground[/bold]")
    _out.print(f"  pull requests   {playground.github.url}/{REPO}", markup=False)
    _out.print(f"  environments    {playground.sites.url}/", markup=False)
    _out.print(f"  the bot         {playground.bot.url}/healthz   log: {playground.bot.log}", markup=False)
    kind = " (the Python package)" if engine.embedded else ""
    sandbox = (
        "on" if playground.sandbox else "off, because bubblewrap is not here or Terraform is the package's"
    )
    _out.print(f"  Terraform       {engine.version}{kind}, sandbox {sandbox}\n", markup=False)


async def _first_pull(playground: Playground) -> None:
    if not playground.github.repo(REPO).pulls:
        text = await playground.github.read(REPO, "main", "envs/staging.tfvars") or ""
        pull = await playground.github.open_pull(
            REPO,
            author="dev",
            branch="new-greeting",
            title="Greet people on staging",
            files={"envs/staging.tfvars": change_message(text, "Hello from a pull request")},
            body="Comment `/apply staging` and look at the staging page.",
        )
        _out.print(
            f"Opened {playground.github.url}/{REPO}/pull/{pull.number}: it plans itself now.", markup=False
        )
    _out.print("Comment `/apply staging` there, as dev. Ctrl+C stops.", markup=False)


async def _script(playground: Playground) -> int:
    try:
        await tell(playground, _out)
    except StoryError as error:
        _out.print("\n[bold red]The story did not go as told:[/] ", end="")
        _out.print(str(error), markup=False)
        _out.print(f"\nThe end of the bot's log:\n{playground.bot.tail()}", markup=False)
        return 1
    _out.print("\n[bold green]Everything went as told.[/]")
    return 0
