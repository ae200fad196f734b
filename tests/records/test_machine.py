"""Any order of writes, against a model that is a dictionary and a list."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from crds.base import Key
from crds.session import Session
from records.errors import AlreadyExists, Conflict, Expired, Invalid, NotFound, RecordsError
from records.keys import KeyRing
from records.sql import Retention, open_records
from tests.records.conftest import Clock
from tests.records.samples import meta, running, session, with_meta

NAMES = st.sampled_from("abc")
TITLES = st.sampled_from([None, "x", "y"])
FINALIZERS = st.sampled_from(["f/x", "f/y"])


@dataclass(frozen=True)
class Expected:
    """What the laws say a record is."""

    uid: str
    version: int
    generation: int = 1
    title: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    finalizers: tuple[str, ...] = ()
    restarts: int = 0
    deleting: bool = False


def seen(record: Session) -> Expected:
    return Expected(
        uid=record.metadata.uid,
        version=int(record.metadata.resource_version),
        generation=record.metadata.generation,
        title=record.spec.title,
        labels=record.metadata.labels,
        finalizers=record.metadata.finalizers,
        restarts=record.status.restarts,
        deleting=record.metadata.deletion_timestamp is not None,
    )


class Machine(RuleBasedStateMachine):
    """Writes at random; after each, a listing and a watch say what the model says."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(self.template, self.folder / "berth.db")
        self.runner = asyncio.Runner()
        self.records = self.runner.run(
            open_records(
                f"sqlite:///{self.folder / 'berth.db'}",
                key=KeyRing.drawn(),
                clock=Clock(),
                retention=Retention(changes=6),
            )
        )
        self.model: dict[str, Expected] = {}
        self.feed: list[tuple[str, str, Expected]] = []
        self.compacted = 0

    def teardown(self) -> None:
        self.runner.run(self.records.aclose())
        self.runner.close()
        shutil.rmtree(self.folder)

    def attempt(self, call):
        """Its result, or the kind of its error."""

        async def caught():
            try:
                return await call
            except RecordsError as error:
                return type(error)

        return self.runner.run(caught())

    def wrote(self, name: str, expected: Expected) -> None:
        """The model after a write: nothing, where nothing differs."""
        before = self.model.get(name)
        if expected == before:
            return
        over = expected.deleting and not expected.finalizers
        shown = before if over and before else expected
        written = replace(shown, version=len(self.feed) + 1)
        change = "DELETED" if over else "MODIFIED" if before else "ADDED"
        self.feed.append((change, name, written))
        if over:
            self.model.pop(name, None)
        else:
            self.model[name] = written

    @rule(name=NAMES, title=TITLES, held=st.booleans())
    def create(self, name, title, held):
        sent = with_meta(session(name, title=title), finalizers=("f/x",) if held else ())
        result = self.attempt(self.records.create(sent))
        if name in self.model:
            assert result is AlreadyExists
        else:
            made = Expected(result.metadata.uid, 0, title=title, finalizers=sent.metadata.finalizers)
            self.wrote(name, made)

    @rule(
        name=NAMES,
        title=TITLES,
        label=st.sampled_from([{}, {"k": "v"}]),
        finalizers=st.sampled_from([(), ("f/x",), ("f/x", "f/y")]),
        age=st.sampled_from([None, 0, 1]),
    )
    def update(self, name, title, label, finalizers, age):
        stored = self.model.get(name)
        version = "" if age is None or stored is None else str(stored.version - age)
        fields = {"labels": label, "finalizers": finalizers, "resource_version": version}
        sent = session(name, title=title).model_copy(update={"metadata": meta(name, **fields)})
        result = self.attempt(self.records.update(sent))
        if stored is None:
            assert result is NotFound
        elif age == 1:
            assert result is Conflict
        elif stored.deleting and set(finalizers) - set(stored.finalizers):
            assert result is Invalid
        else:
            moved = stored.generation + (title != stored.title)
            self.wrote(
                name, replace(stored, title=title, labels=label, finalizers=finalizers, generation=moved)
            )

    @rule(name=NAMES, restarts=st.integers(0, 2), own=st.booleans())
    def update_status(self, name, restarts, own):
        stored = self.model.get(name)
        uid = stored.uid if stored and own else "other"
        status = running(restarts=restarts)
        result = self.attempt(self.records.update_status(Session, Key("alice", name), uid=uid, status=status))
        if stored is None:
            assert result is NotFound
        elif not own:
            assert result is Conflict
        elif int(result.metadata.resource_version) != stored.version:
            # The first status of all is a change, too, though its restarts are none.
            self.feed.append(
                ("MODIFIED", name, replace(stored, restarts=restarts, version=len(self.feed) + 1))
            )
            self.model[name] = self.feed[-1][2]
        else:
            assert stored.restarts == restarts

    @rule(name=NAMES)
    def delete(self, name):
        stored = self.model.get(name)
        result = self.attempt(self.records.delete(Session, Key("alice", name)))
        if stored is None:
            assert result is NotFound
        elif not stored.deleting:
            self.wrote(name, replace(stored, deleting=True, generation=stored.generation + 1))

    @rule(name=NAMES, finalizer=FINALIZERS)
    def add_finalizer(self, name, finalizer):
        stored = self.model.get(name)
        uid = stored.uid if stored else "none"
        key = Key("alice", name)
        result = self.attempt(self.records.add_finalizer(Session, key, uid=uid, finalizer=finalizer))
        if stored is None:
            assert result is NotFound
        elif stored.deleting:
            assert result is Conflict
        elif finalizer not in stored.finalizers:
            self.wrote(name, replace(stored, finalizers=(*stored.finalizers, finalizer)))

    @rule(name=NAMES, finalizer=FINALIZERS)
    def remove_finalizer(self, name, finalizer):
        stored = self.model.get(name)
        uid = stored.uid if stored else "none"
        key = Key("alice", name)
        assert self.attempt(self.records.remove_finalizer(Session, key, uid=uid, finalizer=finalizer)) is None
        if stored is not None:
            left = tuple(f for f in stored.finalizers if f != finalizer)
            self.wrote(name, replace(stored, finalizers=left))

    @precondition(lambda self: len(self.feed) > 6)
    @rule()
    def compact(self):
        self.runner.run(self.records.compact())
        self.compacted = len(self.feed) - 6

    @rule(name=NAMES, title=TITLES)
    def list_in_pages_while_writing(self, name, title):
        expected = dict(sorted(self.model.items()))
        first = self.runner.run(self.records.list(Session, limit=1))
        self.update(name, title, {"k": "w"}, (), None)
        self.create("aa", None, held=False)
        rest = ()
        if first.next is not None:
            rest = self.runner.run(self.records.list(Session, after=first.next)).items
        assert {s.metadata.name: seen(s) for s in (*first.items, *rest)} == expected
        self.delete("aa")

    @invariant()
    def a_listing_shows_the_model(self):
        page = self.runner.run(self.records.list(Session))
        assert {s.metadata.name: seen(s) for s in page.items} == self.model
        assert page.revision == len(self.feed)

    @rule(since=st.integers(0, 40))
    def watch(self, since):
        since = min(since, len(self.feed))
        if since < self.compacted:
            assert self.attempt(self._taken(since, 1)) is Expired
            return
        changes = self.runner.run(self._taken(since, len(self.feed) - since))
        assert [(c.type, c.resource.metadata.name, seen(c.resource)) for c in changes] == self.feed[since:]

    async def _taken(self, since, count):
        found = []
        if count:
            async with asyncio.timeout(120), aclosing(self.records.watch([Session], since=since)) as watch:
                async for change in watch:
                    found.append(change)
                    if len(found) == count:
                        break
        return found


def test_any_order_of_writes_keeps_the_laws(sqlite_template):
    Machine.template = sqlite_template
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=20,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
