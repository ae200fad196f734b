"""A model on loopback that wants one command run once, by the Responses or the Messages API."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Model:
    """``command`` is what it wants run; ``url`` is where it is.

    ``escalates`` tells that it wants it run outside of Codex's sandbox, which it may not where nobody
    would be asked.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.command = "true"
        self.escalates = True

    def responses(self, asked: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Events of the Responses API: the call of a tool, and a word once it was run."""
        tools = [tool.get("name") for tool in asked.get("tools", ())]
        ran = "_call_output" in json.dumps(asked["input"])
        item = {
            "type": "message",
            "role": "assistant",
            "id": "message-1",
            "content": [{"type": "output_text", "text": "done"}],
        }
        if "exec_command" in tools and not ran:
            arguments = {"cmd": self.command}
            if self.escalates:
                arguments["sandbox_permissions"] = "require_escalated"
                arguments["justification"] = "it writes outside of the workspace"
            item = {
                "type": "function_call",
                "id": "call-1",
                "call_id": "call-1",
                "name": "exec_command",
                "arguments": json.dumps(arguments),
            }
        usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        details = {"input_tokens_details": None, "output_tokens_details": None}
        yield "response.created", {"response": {"id": "response-1"}}
        yield "response.output_item.done", {"item": item}
        yield "response.completed", {"response": {"id": "response-1", "usage": {**usage, **details}}}

    def messages(self, asked: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        """The same as events of the Messages API."""
        tools = [tool.get("name") for tool in asked.get("tools", ())]
        ran = "tool_result" in json.dumps(asked["messages"])
        block: dict[str, Any] = {"type": "text", "text": ""}
        delta: dict[str, Any] = {"type": "text_delta", "text": "done"}
        if "Bash" in tools and not ran:
            block = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {}}
            arguments = {"command": self.command, "description": "write outside of the workspace"}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(arguments)}
        stop = "tool_use" if block["type"] == "tool_use" else "end_turn"
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": asked["model"]}
        ends = {"stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}
        yield "message_start", {"message": {**message, "content": [], **ends}}
        yield "content_block_start", {"index": 0, "content_block": block}
        yield "content_block_delta", {"index": 0, "delta": delta}
        yield "content_block_stop", {"index": 0}
        told = {"stop_reason": stop, "stop_sequence": None}
        yield "message_delta", {"delta": told, "usage": {"output_tokens": 1}}
        yield "message_stop", {}


@contextlib.contextmanager
def scripted_model() -> Iterator[Model]:
    """Serves one until the end."""

    class Answer(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

        def do_GET(self) -> None:
            self.send("application/json", b'{"object": "list", "data": [], "models": []}')

        do_HEAD = do_GET  # noqa: N815 - the library's name

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            path = self.path.partition("?")[0]
            events = model.responses(asked) if path.endswith("/responses") else model.messages(asked)
            lines = (
                f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n" for name, data in events
            )
            self.send("text/event-stream", "".join(lines).encode())

        def send(self, kind: str, content: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    model = Model(server.server_port)
    serving = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    serving.start()
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        serving.join()
