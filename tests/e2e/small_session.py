"""The smallest program that is a session's container: it tells what it runs, as the contract says.

It starts in a tenth of the time of the real one, so that a burst of fifty is about Berth and not
about how soon a small machine starts fifty Pythons. Run as ``python -I -S small_session.py``.
"""

import json
import os
import signal
import socket
import threading
import time

BOOT = f"{time.time_ns():x}"


def report(question: str) -> bytes:
    asked = {"question": question} if question else {}
    return json.dumps(
        {
            "session": os.environ["SESSION_ID"],
            "revision": os.environ["BERTH_REVISION"],
            "boot": BOOT,
            "status": "ok",
            "workspace": {"state": "Empty", "reason": "NoRepository", "message": "none is declared"},
            "agent": {"state": "NotStarted", "message": ""},
            "auth": [],
            "attention": "Unknown",
            "activity": None,
            "work": {"state": "Clean", "uncommitted": 0, "unpushed": 0, **asked},
            "version": "small",
        }
    ).encode()


def answer(connection: socket.socket) -> None:
    with connection:
        connection.settimeout(5)
        given = b""
        while b"\r\n\r\n" not in given:
            piece = connection.recv(4096)
            if not piece:
                return
            given += piece
        target = given.split(b" ")[1].decode()
        body = report(target.partition("question=")[2])
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
            + f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=64)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


main()
