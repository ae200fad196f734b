"""Messages over pipes: bounded, and the loop gets its turn."""

from __future__ import annotations

import asyncio
import json

import pytest

from container.agent.pipe import MAX_MESSAGE, Pipe


class Writer:
    def __init__(self):
        self.written = b""

    def write(self, data):
        self.written += data

    async def drain(self):
        pass

    def close(self):
        pass


def pipe(*chunks, end=True):
    reader = asyncio.StreamReader()
    for chunk in chunks:
        reader.feed_data(chunk)
    if end:
        reader.feed_eof()
    return Pipe(reader, Writer())


def line(**message):
    return json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"


async def everything(of):
    found = []
    while (message := await of.receive()) is not None:
        found.append(message)
    return found


async def test_messages_come_in_order_however_they_are_cut():
    data = b"".join(line(method="m", params={"n": n, "text": "é" * n}) for n in range(50))
    of = pipe(*(data[i : i + 7] for i in range(0, len(data), 7)))
    assert [message["params"]["n"] for message in await everything(of)] == list(range(50))
    assert of.trouble == ""


@pytest.mark.parametrize(
    "garbage",
    [
        b"hello\n",
        b"\n",
        b"[1]\n",
        b"1\n",
        b'{"id": 1}\n',
        b'{"id": [1], "result": 1}\n',
        b"\xff\xfe\n",
        b"[" * 9999 + b"\n",
    ],
)
async def test_what_is_no_message_is_passed_over(garbage):
    of = pipe(garbage, line(method="m"), garbage)
    assert [message["method"] for message in await everything(of)] == ["m"]


async def test_nothing_but_garbage_is_the_end():
    of = pipe(b"Welcome!\n" * 100_000, line(method="m"))
    assert await everything(of) == []
    assert of.trouble == "it writes to its output what is no ACP"


async def test_a_message_that_is_too_large_is_the_end():
    of = pipe(b'"' + b"x" * (MAX_MESSAGE + 100_000), end=False)
    assert await everything(of) == []
    assert of.trouble == "it sent a message of more than 16 MiB"


async def test_the_loop_gets_its_turn_during_a_flood():
    of = pipe(line(method="m") * 10_000)
    turns = 0

    async def other():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(other())
    await everything(of)
    counting.cancel()
    assert turns > 500


async def test_too_many_requests_at_a_time_are_answered_as_such():
    of = pipe(*(line(method="m", id=n) for n in range(70)))
    assert len(await everything(of)) == 64
    refused = [json.loads(answer) for answer in of._writer.written.splitlines()]
    assert [answer["id"] for answer in refused] == list(range(64, 70))
    assert "requests at the same time" in refused[0]["error"]["message"]


async def test_answered_requests_make_room():
    of = pipe(*(line(method="m", id=n) for n in range(200)))
    count = 0
    while (message := await of.receive()) is not None:
        count += 1
        await of.send({"jsonrpc": "2.0", "id": message["id"], "result": None})
    assert count == 200


@pytest.mark.looptime
async def test_a_reader_that_does_not_read_is_not_waited_for_for_ever():
    of = pipe()

    async def never():
        await asyncio.Event().wait()

    of._writer.drain = never
    with pytest.raises(ConnectionError):
        await of.send({"method": "m"})
    assert of.trouble == "it does not read what it is told"
