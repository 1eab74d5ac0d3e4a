"""Reports of the workflow gates: one envelope, one table of kinds, one module per kind."""
