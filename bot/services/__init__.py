"""Use cases of the bot, written against the ports, without libraries of the outside world."""
