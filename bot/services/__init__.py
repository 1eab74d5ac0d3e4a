"""Use cases: what the bot does, told in terms of the ports. No library of the outside world is imported here."""
