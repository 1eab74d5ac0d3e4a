"""Write comments, check runs, deployments and issues on GitHub."""
