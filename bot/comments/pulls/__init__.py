"""Comments on the life of a pull request: closeout, forks, leases."""
