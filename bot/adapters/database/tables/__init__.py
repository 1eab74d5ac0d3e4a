"""The tables of the bot, by subject."""
