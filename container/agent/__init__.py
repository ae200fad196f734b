"""The agent of the session, over ACP (the Agent Client Protocol): its program, talk and transcript.

:class:`container.agent.agent.Agent` is the facade. ``agent-client-protocol`` takes a second to load,
so nothing that is imported at start imports it: :mod:`container.agent.launch` does, in a thread, when
the agent is first wanted.
"""
