"""Plan comments and reports of applies, reverts, restores, verifications and scheduled runs."""
