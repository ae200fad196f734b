"""The git repository of the workspace: what has changed, and what a person does about it."""
