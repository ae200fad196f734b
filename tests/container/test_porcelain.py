from __future__ import annotations

from container.porcelain import Record, records


def test_records_and_headers():
    output = (
        b"# branch.oid abc\0# branch.head main\0# stash 2\0"
        b"1 .M N... 100644 100644 100644 aaa bbb a file\nwith a line\0"
        b"2 R. N... 100644 100644 100644 aaa bbb R100 new name\0old name\0"
        b"u UU N... 100644 100644 100644 100644 aaa bbb ccc both\0"
        b"? new/\0! \xff\0"
    )
    headers, changes = records(output)
    assert headers == {"branch.oid": "abc", "branch.head": "main", "stash": "2"}
    assert changes == [
        Record(b"a file\nwith a line", ".", "M"),
        Record(b"new name", "R", ".", original=b"old name"),
        Record(b"both", "U", "U", unmerged=True),
        Record(b"new/", "?", "?"),
        Record(b"\xff", "!", "!"),
    ]
    assert [record.untracked for record in changes] == [False, False, False, True, False]
    assert changes[-1].ignored


def test_nothing():
    assert records(b"") == ({}, [])
