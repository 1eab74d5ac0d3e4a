"""Records of runs and policies, for the command line and the API."""
