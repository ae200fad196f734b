"""The answers to those who are not let in: a page for a person, a problem for a program."""

from __future__ import annotations

from html import escape
from string import Template

from starlette.responses import HTMLResponse, JSONResponse, Response

from container.assets import asset
from container.entry.head import Head
from container.entry.policy import SMALL_PAGE
from container.entry.refusal import Refused, Why

_TITLES = {401: "Who asks is not known", 403: "This is not allowed from there"}
_UNAUTHORIZED = 401
_CHALLENGE = 'Bearer realm="berth session"'


def refusal(refused: Refused, head: Head, *, console_origin: str | None) -> Response:
    """The answer to a request that is refused."""
    if head.wants_page:
        page = _page(refused, console_origin)
        # Its own policy, wherever in the app it is shown.
        response: Response = HTMLResponse(page, refused.why.status, {"Content-Security-Policy": SMALL_PAGE})
    else:
        response = problem(refused, head)
    # What is said here depends on both, and no cache may give one for the other.
    response.headers["Vary"] = "Accept, Cookie"
    return response


def problem(refused: Refused, head: Head) -> Response:
    """Problem details (RFC 9457), as the API of Berth has them."""
    status = refused.why.status
    headers = {"WWW-Authenticate": _challenge(refused, head)} if status == _UNAUTHORIZED else {}
    return JSONResponse(
        {
            "type": f"urn:berth:problem:{refused.why.value}",
            "title": _TITLES[status],
            "status": status,
            "detail": refused.message,
            "reason": refused.why.value,
        },
        status,
        headers,
        media_type="application/problem+json",
    )


def _challenge(refused: Refused, head: Head) -> str:
    told = head.bearer is not None and refused.why is not Why.NO_KEY
    return f'{_CHALLENGE}, error="invalid_token"' if told else _CHALLENGE


def _page(refused: Refused, console_origin: str | None) -> str:
    """The page says nothing of the session: whoever reads it is a stranger."""
    message = refused.message[:1].upper() + refused.message[1:]
    console = escape(console_origin or "")
    link = f'<p><a href="{console}/" target="_top">Go to Berth</a></p>' if console else ""
    return Template(asset("enter.html")).substitute(
        console=console, message=escape(message), reason=refused.why.value, way=link
    )
