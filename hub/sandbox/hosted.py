"""The pages that Stripe would host: the onboarding form and the bank's 3-D Secure question, with SIMULATED written all over."""

import secrets
from html import escape

from hub.sandbox.answers import Answer, Json, missing
from hub.sandbox.call import Call

ROOT = "/_sandbox/hosted/"
HTML = {"content-type": "text/html; charset=utf-8", "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>SIMULATED {title}</title>
<style>body {{ font: 1rem system-ui; max-width: 36rem; margin: 4rem auto }} strong {{ color: #b00 }}</style></head>
<body><h1><strong>SIMULATED</strong> {title}</h1>{inside}</body></html>
"""
NOTICE = "<p>This is not Stripe and not a bank. No data is asked for and no money will ever move.</p>"
TITLES = {"account": "onboarding", "payment_intent": "3-D Secure", "setup_intent": "3-D Secure"}
BUTTONS = {
    "account": '<button name="answer" value="yes">Pretend that everything was filled in</button>',
    "payment_intent": '<button name="answer" value="yes">It is me: pay</button> <button name="answer" value="no">Fail</button>',
    "setup_intent": '<button name="answer" value="yes">It is me: save the card</button> <button name="answer" value="no">Fail</button>',
}


def link(call: Call, obj: Json, return_url: str | None, expires_at: int | None = None) -> str:
    """The address of a page about the object, which works once and, of all its pages, alone. The caller stores the object."""
    ticket = secrets.token_hex(8)
    obj["_link"] = {"ticket": ticket, "expires_at": expires_at, "return_url": return_url}
    return f"{call.base}{ROOT}{obj['id']}/{ticket}"


def challenge(call: Call, intent: Json, return_url: str | None, *, stripe_sdk: bool) -> Json:
    """The next action of an intent whose card wants its holder: a page to be sent to, or work for Stripe's own script."""
    if return_url is None or stripe_sdk:
        return {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect", "simulated": True}}
    return {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": link(call, intent, return_url)}}


def linked(call: Call, path: str) -> Json:
    """The object whose page this is. Raises `Problem` 404 if the link is unknown, used or expired."""
    identity, _, ticket = path.removeprefix(ROOT).partition("/")
    obj = call.store.get(identity)
    known = (obj or {}).get("_link")
    if obj is None or known is None or known["ticket"] != ticket or (known["expires_at"] or call.now) < call.now:
        raise missing("page", ticket, "ticket")
    return obj


def form(obj: Json) -> Answer:
    """The page with its buttons."""
    kind = obj["object"]
    about = f"<p>{TITLES[kind].capitalize()} of <code>{escape(obj['id'])}</code></p>"
    return _page(200, TITLES[kind], f'{NOTICE}{about}<form method="post">{BUTTONS[kind]}</form>')


def back(to: str | None) -> Answer:
    """On to where the link said, or a word that it is done."""
    if to:
        return Answer(303, b"", {"location": to})
    return _page(200, "page", "<p>Done. You may close this page.</p>")


def gone() -> Answer:
    """The page for a link that does not work (any more)."""
    return _page(404, "page", "<p>This link is unknown, used or expired. Ask for another one.</p>")


def _page(status: int, title: str, inside: str) -> Answer:
    return Answer(status, PAGE.format(title=title, inside=inside).encode(), HTML)
