"""A person's visit to a hosted page: the form is shown, its answer changes the object, and the person is sent back."""

from urllib.parse import parse_qs, urlencode

from hub.sandbox import accounts, confirmations, hosted, setup_intents
from hub.sandbox.answers import Answer, Json, Problem
from hub.sandbox.call import Call


def visit(call: Call, method: str, path: str, body: bytes) -> Answer:
    """Show or take the form. Whoever has the link needs no key; it works once."""
    try:
        obj = hosted.linked(call, path)
    except Problem:
        return hosted.gone()
    if method != "POST":
        return hosted.form(obj)
    to = obj.pop("_link")["return_url"]
    call.store.put(obj)
    succeed = parse_qs(body.decode(errors="replace")).get("answer", ["yes"])[0] == "yes"
    match obj["object"]:
        case "account":
            accounts.onboard(call, obj)
        case "payment_intent":
            to = _with_outcome(to, confirmations.authenticate(call, obj, succeed=succeed))
        case _:
            to = _with_outcome(to, setup_intents.authenticate(call, obj, succeed=succeed))
    return hosted.back(to)


def _with_outcome(to: str, intent: Json) -> str:
    """Where Stripe sends the buyer, with what it adds to the address."""
    failed = intent["status"] == "requires_payment_method"
    kind = intent["object"]
    facts = {kind: intent["id"], f"{kind}_client_secret": intent["client_secret"], "redirect_status": "failed" if failed else "succeeded"}
    return f"{to}{'&' if '?' in to else '?'}{urlencode(facts)}"
