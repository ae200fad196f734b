"""The files panel: a tree of the workspace, and the file that is open."""
