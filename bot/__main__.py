"""`python -m bot` is `gatewright`."""

from bot.cli.main import main

main()
