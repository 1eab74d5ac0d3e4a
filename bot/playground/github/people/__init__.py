"""What people do, as methods of `StandIn` for tests and the playground."""
