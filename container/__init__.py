"""What runs inside a session's container, and the contract both sides share."""
