"""Where records live: one port, and its adapter for SQL databases."""
