"""What of an agent's noise is told as the reason of its end."""

from __future__ import annotations

import pytest

from container.agent.failures import of_end
from container.agent.words import telling

CLAUDE = """\
[session/create] sessionId=359c7449-b117-4e27-8f0a-03a1b066b78f phase=validate-cwd durationMs=26 totalMs=26
[session/query] sessionId=359c7449 resume=none apiType=native baseUrl=native
[session/create] sessionId=359c7449-b117-4e27-8f0a-03a1b066b78f phase=register durationMs=20 totalMs=3461
"""
NODE = """\
node:internal/modules/cjs/loader:1228
  throw err;
  ^

Error: Cannot find module '/app/index.js'
    at Module._resolveFilename (node:internal/modules/cjs/loader:1225:15)
    at node:internal/main/run_main_module:28:49 {
  code: 'MODULE_NOT_FOUND',
  requireStack: []
}

Node.js v20.20.2
"""
PYTHON = """\
INFO:agent:starting
Traceback (most recent call last):
  File "/usr/lib/agent/main.py", line 3, in <module>
    import requests
ModuleNotFoundError: No module named 'requests'
"""
RUST = """\
2026-11-30T17:45:01.123456Z  INFO codex_core::config: loaded config
\x1b[2m2026-11-30T17:45:02.1Z\x1b[0m \x1b[31mERROR\x1b[0m \x1b[2mauth\x1b[0m: token file is not readable
2026-11-30T17:45:03.1Z DEBUG codex_core::session: shutting down after error
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (CLAUDE, ""),
        (CLAUDE + "Error: Claude Code needs a login\n" + CLAUDE, "Claude Code needs a login"),
        (NODE, "Cannot find module '/app/index.js'"),
        (PYTHON, "ModuleNotFoundError: No module named 'requests'"),
        (RUST, "auth: token file is not readable"),
        ('{"level":"info","msg":"up"}\n{"level":"error","msg":"no room left"}\n', "no room left"),
        (
            'time=2026-11-30T17:45:01Z level=info msg="up"\nts=17:45 level=error msg="no port"\n',
            "no port",
        ),
        ("[12:00:01] WARN: slow disk\n[12:00:02] fatal: out of memory\n", "out of memory"),
        ("10 %\r55 %\rdownload failed\r\n", "download failed"),
        ("\x1b]0;agent\x07\x1b[1mcannot open display\x1b[0m\n", "cannot open display"),
        (
            "npm notice new version\nnpm error code E404\nnpm error 404 Not Found\n",
            "npm error code E404 / npm error 404 Not Found",
        ),
        ("it was nice\nbye\n", "it was nice / bye"),
        ("retry: connection refused\n" * 50, "retry: connection refused"),
        ("", ""),
    ],
)
def test_what_was_wrong_is_told_and_the_log_around_it_is_not(text, told):
    assert telling(text) == told


def test_it_is_short_and_keeps_its_beginning():
    told = telling("error: first " + "x" * 5000)
    assert len(told) == 400
    assert told.startswith("first xxx")


@pytest.mark.parametrize(
    ("code", "words", "message"),
    [
        (3, "oh no", "it ended with exit code 3; it said: oh no"),
        (3, "", "it ended with exit code 3, and did not say why"),
        (-9, "", "it was ended by SIGKILL, as happens where the memory runs out (spec.resources.memory)"),
        (-15, "", "it was ended by SIGTERM"),
        (127, "", "it ended with exit code 127: a program that it needs was not found"),
        (None, "", "it closed its output"),
    ],
)
def test_an_end_tells_what_is_known(code, words, message):
    assert of_end(code, words).message == message
