"""How Twilio signs what it posts: by its own library, and in the ways that its users have reported.

Not confirmed by anybody at Twilio: that a query is signed with `:` `@` `'` bare (seen by users of four of its
libraries), and that a fragment is signed (an emulator does; Twilio's documents say that it is not). So both are
settings, off unless asked for.
"""

from urllib.parse import quote

from multidict import MultiDict
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped,unused-ignore]

from services.runtime.simulated import SignatureSettings
from services.simulator.accounts import Account
from services.simulator.forms import Form


def signature_headers(chosen: SignatureSettings, account: Account, url: str, form: Form) -> dict[str, str]:
    """The headers by which a post to this URL (as given to Twilio, with its fragment) is known for Twilio's."""
    written, params = _written(chosen, url), MultiDict(form)
    if chosen.shared_keys and account.signing_keys:
        key, secret = account.signing_keys[0]
        signature = RequestValidator(secret).compute_signature(written, params, "HMAC_SHA256")
        named = f"key={key},algorithm=HMAC_SHA256"
        return {"X-Twilio-Signature": signature, "X-Twilio-Webhooks-Signature-Settings": named}
    return {"X-Twilio-Signature": RequestValidator(account.signing_token).compute_signature(written, params)}


def _written(chosen: SignatureSettings, url: str) -> str:
    target, hash_sign, fragment = url.partition("#")
    path, mark, query = target.partition("?")
    for character in chosen.bare:
        query = query.replace(quote(character, safe=""), character)
    return path + mark + query + (hash_sign + fragment if chosen.fragment else "")
