"""Proofs of RFC 9162 over the trees of RFC 6962. Hashes are of 32 bytes, SHA-256."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from .errors import ClientError

LARGEST_SIZE = 2**53 - 1

# A tree of 2^53 leaves has paths of 53 hashes, and a consistency proof one more.
_MOST_HASHES = 54
_EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """RFC 6962, 2.1."""
    return sha256(b"\x00" + entry).digest()


def _node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def verify_inclusion(*, leaf: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """
    Returns if the tree of `size` leaves and this root has the leaf at `index` (RFC 9162, 2.1.3.2); else raises ClientError
    `verification`. A root does not bind its size: both come from one checkpoint.
    """
    _check(0 <= index < size <= LARGEST_SIZE, "the index is not in the tree")
    _check_hashes([leaf, root], proof)
    node, last, top = index, size - 1, leaf
    for sibling in proof:
        _check(last > 0, "the proof is too long")
        if node % 2 == 1 or node == last:
            top = _node_hash(sibling, top)
            # The last node of a level may have no sibling there: climb to where it has one, on its left.
            while node % 2 == 0 and node > 0:
                node, last = node // 2, last // 2
        else:
            top = _node_hash(top, sibling)
        node, last = node // 2, last // 2
    _check(last == 0, "the proof is too short")
    _check(top == root, "the proof leads to another root")


def verify_consistency(
    *, older_size: int, older_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> None:
    """
    Returns if the newer tree begins with the older one (RFC 9162, 2.1.4.2); else raises ClientError `verification`. Every tree
    begins with the empty one, and with itself: by an empty proof.
    """
    _check(0 <= older_size <= size <= LARGEST_SIZE, "the newer tree is smaller")
    _check_hashes([older_root, root], proof)
    for tree_size, tree_root in ((older_size, older_root), (size, root)):
        _check(tree_size > 0 or tree_root == _EMPTY_ROOT, "a tree of size 0 has another root")
    if older_size in (0, size):
        _check(not proof, "the proof is too long")
        _check(older_size < size or older_root == root, "two roots of one size")
        return
    node, last = older_size - 1, size - 1
    while node % 2 == 1:
        node, last = node // 2, last // 2
    # If the old tree is perfect, its root is the first node, and the proof leaves it out.
    path = list(proof) if node > 0 else [older_root, *proof]
    _check(bool(path), "the proof is too short")
    older_top = top = path[0]
    for sibling in path[1:]:
        _check(last > 0, "the proof is too long")
        if node % 2 == 1 or node == last:
            older_top = _node_hash(sibling, older_top)
            top = _node_hash(sibling, top)
            while node % 2 == 0 and node > 0:
                node, last = node // 2, last // 2
        else:
            top = _node_hash(top, sibling)
        node, last = node // 2, last // 2
    _check(last == 0, "the proof is too short")
    _check(older_top == older_root, "the proof leads to another older root")
    _check(top == root, "the proof leads to another newer root")


def _check_hashes(own: Sequence[bytes], proof: Sequence[bytes]) -> None:
    _check(len(proof) <= _MOST_HASHES, "the proof has too many hashes")
    _check(all(len(one) == 32 for one in [*own, *proof]), "a hash has 32 bytes")


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise ClientError("verification", f"NOT VERIFIED: {message}")
