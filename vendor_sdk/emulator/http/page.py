"""The control page: what happens, as it happens, and the buyer's acts beside it."""

from pathlib import Path

from vendor_sdk.emulator.http.request import Answer, Call

FILE = Path(__file__).with_name("page.html")


def page(_: Call) -> Answer:
    """The page; it asks `/_emulator/state` and shows what it says as text, never as HTML."""
    policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'"
    headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": policy}
    return Answer(status=200, body=FILE.read_bytes(), headers=headers)
