"""A small true model of Dokploy v0.30.2 behind Dokploy's own HTTP API.

``dokploy.LocalDokploy`` is the model, ``server.create_app`` its API, ``behaviours.Behaviour`` its
quirks by name. What runs the containers is a ``runtime.Runtime``: real processes, or the
``simulation.Simulation`` of the tests.
"""
