"""The changes panel: what git sees, and what a person asks of it."""
