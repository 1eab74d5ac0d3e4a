"""Values, errors and rules that every other part of the domain uses."""
