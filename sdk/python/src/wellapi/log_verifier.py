"""
Verifies the audit log. Trusts one public key, which you keep from a day before you need it, and nothing that the server says.
Needs the extra `wellapi[verify]`.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from hashlib import sha256

from .audit.v1.audit_pb import Access
from .audit.v1.audit_service_connect import AuditServiceClient
from .audit.v1.audit_service_pb import (
    GetAccessRequest,
    GetCheckpointRequest,
    GetConsistencyProofRequest,
    GetInclusionProofRequest,
    GetLogFileRequest,
)
from .checkpoints import Checkpoint, VerifierKey, open_checkpoint, open_note
from .client import AsyncClient
from .errors import ClientError
from .merkle import leaf_hash, verify_consistency, verify_inclusion

_NONCE_BYTES = 32
_SUCCESSION = re.compile(
    r"wellapi\.dev/log-succession/v1\nfrom (?P<from>\S+)\nto (?P<to>\S+)\nreason (?P<reason>rotated|restored)\n"
    r"published (?:unknown|\S+ \S+)\ncontinues (?P<size>0|[1-9][0-9]{0,15}) \S+\ntime (?P<time>\S+)\n"
)


@dataclass(frozen=True)
class Succession:
    """
    A key of the log that took the place of another, signed by both. `rotated`: the same log. `restored`: a declared break, the
    log lost what was published from entry `continues` on.
    """

    to: VerifierKey
    reason: str
    continues: int
    time: str


@dataclass(frozen=True)
class VerifiedAccess:
    """The log's signed tree holds exactly these bytes at this position."""

    access: Access
    index: int
    size: int


async def follow_keys(client: AsyncClient, pinned: VerifierKey) -> list[Succession]:
    """The steps from the pinned key to the one that signs now, as `follow_successions`."""
    audit = client.service(AuditServiceClient)
    content = (await audit.get_log_file(GetLogFileRequest(path="successions"))).content
    try:
        notes = json.loads(content)
    except ValueError:
        notes = None
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        raise _unverified("what the log says of its keys cannot be read")
    return follow_successions(notes, pinned)


def follow_successions(notes: list[str], pinned: VerifierKey) -> list[Succession]:
    """
    Follows notes from a trusted key to the key that signs now. Neither their order nor their origin is trusted. Raises
    ClientError `verification` where a note that claims to succeed a trusted key does not verify, or two claim it.
    """
    rest = list(notes)
    steps: list[Succession] = []
    key = pinned
    while following := [note for note in rest if f"\nfrom {key.text}\n" in note]:
        if len(following) > 1:
            raise _unverified("two keys claim to succeed one")
        rest.remove(following[0])
        steps.append(_succession(following[0], key))
        key = steps[-1].to
    return steps


def _succession(note: str, key: VerifierKey) -> Succession:
    found = _SUCCESSION.fullmatch(open_note(note, key))
    if found is None or found["from"] != key.text:
        raise _unverified("it is no succession of this key")
    try:
        to = VerifierKey.parse(found["to"])
    except ClientError:
        raise _unverified("a succession names no key") from None
    open_note(note, to)
    return Succession(to, found["reason"], int(found["size"]), found["time"])


async def verify_logged_access(client: AsyncClient, access: str, verifier_key: str) -> VerifiedAccess:
    """
    Fetches an access with its proof and verifies it; waits up to ten seconds for the log to integrate it. One of a moment ago
    may not have reached the log: then WellApiError `NOT_FOUND`.
    """
    audit = client.service(AuditServiceClient)
    pinned = VerifierKey.parse(verifier_key)
    steps = await follow_keys(client, pinned)
    key = steps[-1].to if steps else pinned
    for _ in range(50):
        logged = (await audit.get_access(GetAccessRequest(access=access))).access
        if logged is None:
            raise _unverified("the log answered without the access")
        note = (await audit.get_checkpoint(GetCheckpointRequest())).checkpoint
        checkpoint = open_checkpoint(note, key)
        if 0 <= logged.index < checkpoint.size:
            asked = GetInclusionProofRequest(index=logged.index, size=checkpoint.size)
            proof = (await audit.get_inclusion_proof(asked)).hashes
            if len(logged.nonce) != _NONCE_BYTES:
                raise _unverified("a nonce has 32 bytes")
            # What the log publishes hides the body behind the nonce.
            leaf = leaf_hash(sha256(logged.nonce + logged.body).digest())
            verify_inclusion(
                leaf=leaf, index=logged.index, size=checkpoint.size, root=checkpoint.root, proof=proof
            )
            return VerifiedAccess(_access_in(logged.body, access), logged.index, checkpoint.size)
        await asyncio.sleep(0.2)
    raise _unverified("the log has not integrated the access within ten seconds")


def _access_in(body: bytes, access: str) -> Access:
    try:
        held = Access.from_binary(body)
    except Exception:
        raise _unverified("the log holds an entry that is no access") from None
    # The position is proven, but it may hold another entry than the one that was asked for.
    if held.id != access:
        raise _unverified("the log answered with another access")
    return held


async def verify_log_growth(client: AsyncClient, older: str, verifier_key: str) -> tuple[int, int]:
    """
    Verifies that today's log begins with the log of an older checkpoint; their sizes. Raises ClientError `break` where the log
    has declared that it lost entries which the checkpoint covers: it is no fork, and no proof.
    """
    audit = client.service(AuditServiceClient)
    pinned = VerifierKey.parse(verifier_key)
    steps = await follow_keys(client, pinned)
    keys = [pinned, *(step.to for step in steps)]
    kept = _by_any(older, keys)
    for step in steps:
        if step.reason == "restored" and kept.size > step.continues:
            raise ClientError(
                "break",
                f"DECLARED BREAK: the log was restored from a backup at {step.time}, and what was published from entry "
                f"{step.continues} on is lost. It says so itself, signed by the key that you trust",
            )
    newer = open_checkpoint((await audit.get_checkpoint(GetCheckpointRequest())).checkpoint, keys[-1])
    if kept.size > newer.size:
        raise _unverified(
            f"the log shrank from {kept.size} to {newer.size} entries, and no break was declared"
        )
    asked = GetConsistencyProofRequest(first_size=kept.size, second_size=newer.size)
    proof = (await audit.get_consistency_proof(asked)).hashes
    verify_consistency(
        older_size=kept.size, older_root=kept.root, size=newer.size, root=newer.root, proof=proof
    )
    return kept.size, newer.size


def _by_any(note: str, keys: list[VerifierKey]) -> Checkpoint:
    """The older checkpoint may be signed by the pinned key, or by a later one of the same name or another."""
    failure: ClientError | None = None
    for key in keys:
        try:
            return open_checkpoint(note, key)
        except ClientError as error:
            failure = failure or error
    raise failure or _unverified("no key is trusted")


def _unverified(message: str) -> ClientError:
    return ClientError("verification", f"NOT VERIFIED: {message}")
