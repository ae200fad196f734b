"""The files of the workspace: listed, read, written and moved, and never one outside of it."""
