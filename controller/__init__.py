"""The reconciler: looks at a record and at Dokploy, and makes the second match the first.

The files tell the story, each knowing only those before it::

    identity · errors · actions      what is ours, what can happen next, what can be done
    desired · plan · status          pure: no I/O, no clock; ``now`` is an argument
    observe · execute                the world read, the world changed
    reconcile                        the sentence: observe, plan, execute, summarize
    sweep · queue · targets · loop   when, how often, and for whom
    explain                          the plan of a record, for people, without acting
"""
