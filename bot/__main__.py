"""`python -m bot` is `gatewright`."""

from bot.cli import main

main()
