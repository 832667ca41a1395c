"""Verifies signed receipts offline: compact JWS by Ed25519. Needs the extra `wellapi[verify]`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .errors import ClientError

KINDS = ("wellapi-erasure-receipt+jwt", "wellapi-consent-receipt+jwt")


@dataclass(frozen=True)
class Receipt:
    """What a receipt says, by its kind."""

    kind: str
    claims: dict[str, Any]


def verify_receipt(receipt: str, jwks: str) -> Receipt:
    """
    What one of the keys signed. `jwks` is the JSON Web Key Set that you keep (`GetReceiptKeys`). Raises ClientError
    `verification` for a receipt that does not verify, `input` for keys that are none.
    """
    try:
        from joserfc import jws
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet
    except ImportError as missing:
        raise ClientError("input", "joserfc is needed: pip install 'wellapi[verify]'") from missing
    try:
        keys = KeySet.import_key_set(json.loads(jwks))
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise ClientError("input", "the keys are no JSON Web Key Set") from None
    try:
        opened = jws.deserialize_compact(receipt, keys, algorithms=["Ed25519"])
        claims = json.loads(opened.payload)
    except (JoseError, ValueError, TypeError) as cause:
        raise ClientError("verification", "the receipt was changed, or is by none of these keys") from cause
    kind = opened.headers().get("typ")
    if kind not in KINDS or not isinstance(claims, dict):
        raise ClientError("verification", "this is no receipt of a kind that is known here")
    return Receipt(kind, claims)
