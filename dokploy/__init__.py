"""All that Berth knows of Dokploy.

::

    port · errors          what the controller sees: Berth's own types, and what can go wrong
      └── client           one method per call
            ├── procedures the calls by name, with time limit and retry class
            ├── calls      the one way out: limiter, request, answer, retry
            │     ├── limiter · retry · keys · sender
            │     └── answers · translation    an answer becomes a value or an error, once
            ├── readings   answers made into the port's types
            │     └── wire · configuration · words   Dokploy's shapes and Docker's words
            └── place · version
    dotenv                 environments as Dokploy and Swarm read them
    local/                 a small true model of Dokploy behind the same HTTP API

The facts that this code leans on are numbered in the FACTS documents ("FACTS 5" is a section of
the first, "FACTS-2 2" of the second).
"""
