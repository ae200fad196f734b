"""The kept output: stamps, long lines, caps."""

from __future__ import annotations

from itertools import count

from dokploy.local.process_output import MAX_BYTES, MAX_LINES, PIECE, Output


def an_output() -> Output:
    ticks = count(1)
    return Output(lambda: float(next(ticks)))


def test_a_line_is_stamped_when_it_is_complete() -> None:
    output = an_output()
    output.feed(b"one\ntw")
    output.feed(b"o\n\nthr")
    assert [(line.at, line.text) for line in output.lines()] == [(1, "one"), (2, "two"), (3, "")]
    output.close()
    assert output.lines()[-1].text == "thr"


def test_a_long_line_is_cut_and_all_its_pieces_bear_the_first_stamp() -> None:
    output = an_output()
    output.feed(b"x" * (2 * PIECE))
    output.feed(b"rest\nnext\n")
    assert [(line.at, len(line.text)) for line in output.lines()] == [(1, PIECE), (1, PIECE), (1, 4), (2, 4)]


def test_the_oldest_go_when_it_is_too_much() -> None:
    output = an_output()
    output.feed(b"".join(b"%d\n" % number for number in range(MAX_LINES + 5)))
    assert len(output.lines()) == MAX_LINES
    assert output.lines()[0].text == "5"
    output.feed((b"y" * (PIECE - 1) + b"\n") * (2 * MAX_BYTES // PIECE))
    assert sum(len(line.text) for line in output.lines()) <= MAX_BYTES


def test_bytes_that_are_no_text_do_no_harm() -> None:
    output = an_output()
    output.feed(b"\xff\x1b[31mred\r\n")
    assert output.lines()[0].text == "\ufffd\x1b[31mred\r"
