"""What changes on GitHub, with the events that follow by GitHub's rules."""
