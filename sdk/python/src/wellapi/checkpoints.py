"""Signed checkpoints: C2SP signed-note and tlog-checkpoint, by Ed25519."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from hashlib import sha256

from .errors import ClientError
from .merkle import LARGEST_SIZE

_KEY = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")
_SIGNATURE = re.compile(r"\u2014 ([^ ]+) ([A-Za-z0-9+/=]+)")
_SIZE = re.compile(r"0|[1-9][0-9]{0,15}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_ED25519 = 0x01
_LARGEST_NOTE = 1_000_000
_MOST_SIGNATURES = 100


@dataclass(frozen=True)
class Checkpoint:
    """What a log commits to: its tree of this size has this root."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True)
class VerifierKey:
    """`name+hash+key`, as golang.org/x/mod/sumdb/note writes it."""

    text: str
    name: str
    key_id: bytes
    public: bytes

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Raises ClientError `input` if anything disagrees, the key's id included."""
        found = _KEY.fullmatch(text)
        typed = None if found is None else _decode(found[3])
        if found is None or typed is None or len(typed) != 33 or typed[0] != _ED25519:
            raise ClientError("input", "this is no Ed25519 verifier key")
        if re.search(r"\s", found[1]):
            raise ClientError("input", "a key's name has no white space")
        key_id = sha256(found[1].encode() + b"\n" + typed).digest()[:4]
        if key_id.hex() != found[2]:
            raise ClientError("input", "the verifier key's id does not belong to its name and key")
        return cls(text, found[1], key_id, typed[1:])


def open_note(note: str, key: VerifierKey) -> str:
    """The text of a note that the key signed. Safe on hostile input. Raises ClientError `verification`."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError as missing:
        raise ClientError("input", "cryptography is needed: pip install 'wellapi[verify]'") from missing

    if len(note.encode("utf-8", "surrogatepass")) > _LARGEST_NOTE or _CONTROL.search(note):
        raise _unverified("the note is too long, or has control characters")
    text, parted, signatures = note.rpartition("\n\n")
    lines = signatures.split("\n")
    if not parted or lines.pop() != "" or not 0 < len(lines) <= _MOST_SIGNATURES:
        raise _unverified("the note has no signatures")
    text += "\n"
    verified = False
    for line in lines:
        found = _SIGNATURE.fullmatch(line)
        body = None if found is None else _decode(found[2])
        if found is None or body is None or len(body) <= 4:
            raise _unverified("a line after the text is no signature")
        if found[1] != key.name or body[:4] != key.key_id:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(body[4:], text.encode())
        except InvalidSignature:
            raise _unverified("the signature is wrong") from None
        verified = True
    if not verified:
        raise _unverified("the note is not signed by the trusted key")
    return text


def open_checkpoint(note: str, key: VerifierKey) -> Checkpoint:
    """The checkpoint that the key signed, of the log that is named as the key. Raises ClientError `verification`."""
    lines = open_note(note, key).split("\n")
    root = _decode(lines[2]) if len(lines) >= 4 else None
    if root is None or len(root) != 32 or _SIZE.fullmatch(lines[1]) is None or "" in lines[3:-1]:
        raise _unverified("the note is no checkpoint")
    if int(lines[1]) > LARGEST_SIZE:
        raise _unverified("the note is no checkpoint")
    if lines[0] != key.name:
        raise _unverified("the checkpoint is of another log")
    return Checkpoint(lines[0], int(lines[1]), root)


def _decode(text: str) -> bytes | None:
    """Base64 in its one canonical form."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return decoded if base64.b64encode(decoded).decode() == text else None


def _unverified(message: str) -> ClientError:
    return ClientError("verification", f"NOT VERIFIED: {message}")
