"""`gatewright playground`: in a browser, or as a script with an exit code."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from rich.console import Console

from bot.playground.place import DEMO, Place
from bot.playground.seed import REPO, seed
from bot.playground.stack import Playground, Ports
from bot.playground.story import STAGING_FILE, StoryError, change_message, tell

_LAG = 2.0
"""Seconds by which the stand-in's API lags; on GitHub it is up to ten, too long for a demo."""
_out = Console(soft_wrap=True, highlight=False)


async def play(*, directory: Path, script: bool, reset: bool, port: int) -> int:
    """Run the playground until it is interrupted, or play the script; returns the exit code."""
    if script:
        directory = directory / DEMO
    place = Place(directory)
    await asyncio.to_thread(place.take, reset=reset or script)
    try:
        return await _play(place, script=script, port=port)
    finally:
        place.release()


async def _play(place: Place, *, script: bool, port: int) -> int:
    ports = Ports() if script or port == 0 else Ports(github=port, bot=port + 1, sites=port + 2)
    playground = Playground(directory=place.directory, ports=ports, lag=_LAG)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        await playground.start()
        await seed(playground)
        place.tell(f"{playground.github.url}/{REPO}")
        _welcome(playground)
        if script:
            return await _script(playground)
        await _first_pull(playground)
        await stop.wait()
        _out.print("Stopping; the data is kept for the next start (`--reset` deletes it).")
        return 0
    finally:
        await playground.stop()


def _welcome(playground: Playground) -> None:
    engine = playground.engine
    _out.print("[bold]Gatewright's playground[/bold]")
    _out.print(f"  pull requests   {playground.github.url}/{REPO}", markup=False)
    _out.print(f"  sites           {playground.sites.url}/   written by Terraform", markup=False)
    _out.print(f"  the bot         {playground.bot.url}/   log: {playground.bot.log}", markup=False)
    kind = " (the Python package)" if engine.embedded else ""
    sandbox = "on" if playground.sandbox else "off: needs bubblewrap, and a Terraform on PATH"
    _out.print(f"  Terraform       {engine.version}{kind}, sandbox {sandbox}\n", markup=False)


async def _first_pull(playground: Playground) -> None:
    """Show the newest open pull request; open one if there is none."""
    pulls = playground.github.repo(REPO).pulls
    number = max((pull.number for pull in pulls.values() if pull.state == "open"), default=None)
    if number is None:
        number = await _open_pull(playground, len(pulls) + 1)
        said, first = "Opened", "/apply staging"
    else:
        # What can be applied there depends on what was done since, so `/status` comes first.
        said, first = "Still open:", "/status"
    where = f"{playground.github.url}/{REPO}/pull/{number}"
    _out.print(f"{said} {where}\nComment `{first}` there, as dev. Ctrl+C stops.", markup=False)


async def _open_pull(playground: Playground, count: int) -> int:
    """Open the pull request of the tour; `count` makes its branch and title unique."""
    again = "" if count == 1 else f" {count}"
    text = await playground.github.read(REPO, "main", STAGING_FILE) or ""
    pull = await playground.github.open_pull(
        REPO,
        author="dev",
        branch=f"new-greeting{again.replace(' ', '-')}",
        title=f"Greet people on staging{again}",
        files={STAGING_FILE: change_message(text, f"Hello from a pull request{again}")},
        body="Comment `/apply staging` and look at the staging page.",
    )
    return pull.number


async def _script(playground: Playground) -> int:
    try:
        await tell(playground, _out)
    except StoryError as error:
        _out.print("\n[bold red]The demo failed:[/] ", end="")
        _out.print(str(error), markup=False)
        _out.print(f"\nEnd of the bot's log:\n{playground.bot.tail()}", markup=False)
        return 1
    _out.print("\n[bold green]All steps of the demo passed.[/]")
    return 0
