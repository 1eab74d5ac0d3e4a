"""The files of a commit: which of them are inputs of a stack, which cannot be planned."""
