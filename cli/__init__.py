"""``berth``: a client of the HTTP interface, and the composition root of ``berth up``."""
