"""`gatewright local`: the path of a plan and of an apply on a developer's machine, in the checkout as it lies there."""
