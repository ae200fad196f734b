"""Who may enter: a one-time token from Berth is exchanged for a cookie, and all else is 401."""
