from __future__ import annotations

from container.subscribers import Subscribers


def test_each_hears_until_it_ends_it(caplog):
    subscribers: Subscribers[[str]] = Subscribers()
    heard: list[str] = []
    subscribers.add(lambda _: 1 / 0)
    end = subscribers.add(heard.append)
    again = subscribers.add(heard.append)
    subscribers.tell("one")
    end()
    end()
    subscribers.tell("two")
    again()
    subscribers.tell("three")
    assert heard == ["one", "one", "two"]
    assert "a subscriber failed" in caplog.text
