"""The talk with the agent."""
