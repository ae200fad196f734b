"""What a program of the workspace serves on a port, through the app, and as a stranger to it."""
