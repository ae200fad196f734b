"""Mutants that are made in the text of one function: a guard dropped, a comparison turned.

A mutant names a piece of the text as it is; one whose text has changed fails, and is written anew.
"""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Callable
from typing import Any

from controller import containers, echo, fleet, inputs, plan, plan_deletion, status, unsaved
from dokploy import translation
from tests.reliability.faults import Fault, Tamper
from tests.reliability.mutants import Mutant, Patch, calm, deeds, faults, outage


def edited(function: Callable[..., Any], old: str, new: str) -> Callable[[Patch], None]:
    """The same function with one piece of its text replaced, wherever the controller has it."""

    def make(patch: Patch) -> None:
        source = textwrap.dedent(inspect.getsource(function))
        assert old in source, f"{function.__qualname__} no longer has {old!r}: mutate what is there now"
        module, made = sys.modules[function.__module__], dict[str, Any]()
        text = f"from __future__ import annotations\n{source.replace(old, new, 1)}"
        exec(compile(text, str(module.__file__), "exec"), module.__dict__, made)
        mutant, name = made[function.__name__], function.__name__
        if "." in function.__qualname__:
            patch.setattr(getattr(module, function.__qualname__.partition(".")[0]), name, mutant)
            return
        for where, other in list(sys.modules.items()):
            if where.startswith(("controller", "dokploy")) and getattr(other, name, None) is function:
                patch.setattr(other, name, mutant)

    return make


OF_TEXT = (
    Mutant(
        "unsaved work is given up",
        edited(plan_deletion._ask_for_work, "if lost is None:", "if True:"),
        ("edit and delete",),
        calm,
    ),
    Mutant(
        "a stop asks for no work",
        edited(unsaved.before_a_stop, "planned.known.route is None", "True"),
        ("stop and delete",),
        calm,
    ),
    Mutant(
        "session id not compared",
        edited(echo._own, 'answer["session"] == identity.session_id', "True"),
        ("edit and delete", "at rest"),
        faults(Fault.FOREIGN),
    ),
    Mutant(
        "unread containers are gone",
        edited(containers.containers_of, "isinstance(error, Unreachable | Ambiguous | Failed)", "False"),
        ("delete",),
        outage(Fault.REFUSED, "docker.getContainersByAppNameMatch"),
    ),
    Mutant(
        "what remains is not looked at",
        edited(containers.read_remains, "return tasks, (*alive,", "return tasks, () if True else (*alive,"),
        ("stop unhealthy and start",),
        calm,
    ),
    Mutant(
        "policy of a template that is gone",
        edited(inputs.storage_of, 'Storage(on_delete="Retain")', "session.spec.storage"),
        ("delete without template",),
        calm,
    ),
    Mutant(
        "transition time stays",
        edited(status.stamped, "now if old is None or changed else", "now if old is None else"),
        ("create", "stop"),
        calm,
    ),
    Mutant(
        "transition time always new",
        edited(status.stamped, "now if old is None or changed else old.last_transition_time", "now"),
        ("create",),
        calm,
    ),
    Mutant(
        "create not awaited",
        edited(plan._plan_absent, "if may_take_effect(known.intent, _CREATE, now):", "if False:"),
        ("create",),
        faults(Fault.SLOW),
    ),
    Mutant(
        "deletion during a build",
        edited(plan_deletion._delete_applications, "if not observed.has_job(row.ref.application_id)", ""),
        ("build and delete",),
        calm,
    ),
    Mutant(
        "no audit",
        edited(fleet.Fleet._deserves_a_pass, "view.audit_due <= now", "False"),
        ("at rest, stopped",),
        deeds(Tamper.UNMOUNTS, Tamper.UNROUTES),
    ),
    Mutant(
        "a foreign body repeated",
        edited(translation._by_status, 'f"Dokploy failed (HTTP {status})"', "refusal.message"),
        ("create",),
        faults(Fault.REFUSED, Fault.FAILED_AFTER),
    ),
)
