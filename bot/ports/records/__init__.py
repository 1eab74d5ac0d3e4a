"""The bot's database as its users need it: one module per subject."""
