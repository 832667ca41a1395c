"""Proofs and notes of another implementation (packages/merkle/test/golden), and decimals at their edges."""

from __future__ import annotations

import json
import os
import unittest
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from wellapi import BatchOptions, ClientError, Retries, batches_of, samples_of
from wellapi.checkpoints import VerifierKey, open_checkpoint
from wellapi.log_verifier import follow_successions
from wellapi.merkle import leaf_hash, verify_consistency, verify_inclusion

GOLDEN = Path(os.environ["WELLAPI_GOLDEN"])
KEY = (GOLDEN / "verifier-key.txt").read_text().strip()
NOTE = (GOLDEN / "checkpoint.txt").read_text()
PROOFS = json.loads((GOLDEN / "proofs.json").read_text())
START = datetime(2026, 4, 12, 8, tzinfo=UTC)


class LogKey:
    """A key of a log, of a seed that everybody knows."""

    def __init__(self, seed: int, name: str) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        typed = b"\x01" + self._key.public_key().public_bytes_raw()
        key_id = sha256(name.encode() + b"\n" + typed).digest()[:4]
        self.verifier = VerifierKey.parse(f"{name}+{key_id.hex()}+{b64encode(typed).decode()}")

    def sign(self, text: str) -> str:
        body = self.verifier.key_id + self._key.sign(text.encode())
        return f"\u2014 {self.verifier.name} {b64encode(body).decode()}\n"


def succession(old: LogKey, new: LogKey, reason: str, signers: list[LogKey]) -> str:
    root = b64encode(bytes(32)).decode()
    text = (
        f"wellapi.dev/log-succession/v1\nfrom {old.verifier.text}\nto {new.verifier.text}\nreason {reason}\n"
        f"published unknown\ncontinues 7 {root}\ntime 2026-11-27T00:00:00.000Z\n"
    )
    return f"{text}\n{''.join(signer.sign(text) for signer in signers)}"


class Verification(unittest.TestCase):
    def refused(self, code: str, call, *args, **kwargs) -> None:
        with self.assertRaises(ClientError) as caught:
            call(*args, **kwargs)
        self.assertEqual(caught.exception.code, code)

    def test_a_signed_checkpoint_opens_and_a_changed_one_does_not(self) -> None:
        key = VerifierKey.parse(KEY)
        self.assertEqual(open_checkpoint(NOTE, key).size, 70_000)
        for changed in (
            NOTE.replace("70000", "70001"),
            NOTE.replace("audit\n", "audits\n", 1),
            NOTE.replace("70000", "070000"),
            NOTE.split("\n\n")[0] + "\n",
            NOTE + "x",
            NOTE.replace("+", "-", 1),
            "",
        ):
            self.refused("verification", open_checkpoint, changed, key)
        for wrong in (KEY[:-1] + "5", KEY.replace("2a2b", "2a2c"), "", "a+b+c"):
            self.refused("input", VerifierKey.parse, wrong)

    def test_inclusion_proofs_hold_and_changed_ones_do_not(self) -> None:
        for one in PROOFS["inclusion"]:
            index, size = one["index"], one["size"]
            proof = [bytes.fromhex(text) for text in one["proof"]]
            root = bytes.fromhex(one["root"])
            leaf = leaf_hash(bytes([index % 256, index // 256 % 256]))
            verify_inclusion(leaf=leaf, index=index, size=size, root=root, proof=proof)
            self.refused(
                "verification", verify_inclusion, leaf=leaf, index=size, size=size, root=root, proof=proof
            )
            self.refused(
                "verification",
                verify_inclusion,
                leaf=root,
                index=index,
                size=size,
                root=root,
                proof=[*proof, root],
            )
            other = leaf_hash(b"other")
            self.refused(
                "verification", verify_inclusion, leaf=other, index=index, size=size, root=root, proof=proof
            )

    def test_consistency_proofs_hold_and_changed_ones_do_not(self) -> None:
        for one in PROOFS["consistency"]:
            proof = [bytes.fromhex(text) for text in one["proof"]]
            names = {"older_size": one["from"], "size": one["to"]}
            roots = {"older_root": bytes.fromhex(one["fromRoot"]), "root": bytes.fromhex(one["toRoot"])}
            verify_consistency(**names, **roots, proof=proof)
            other = leaf_hash(b"other")
            self.refused("verification", verify_consistency, **names, **{**roots, "root": other}, proof=proof)
            self.refused("verification", verify_consistency, **names, **roots, proof=[*proof, other])

    def test_keys_are_followed_only_where_both_vouch(self) -> None:
        old, new, other = (LogKey(seed, name) for seed, name in ((1, "log"), (2, "log"), (3, "other")))
        rotated = succession(old, new, "rotated", [old, new])
        steps = follow_successions([succession(other, old, "rotated", [other, old]), rotated], old.verifier)
        self.assertEqual([(step.to.text, step.reason) for step in steps], [(new.verifier.text, "rotated")])
        onward = succession(new, other, "restored", [new, other])
        (_, restored) = follow_successions([onward, rotated], old.verifier)
        self.assertEqual((restored.reason, restored.continues), ("restored", 7))
        self.assertEqual(follow_successions([rotated], new.verifier), [])
        second = succession(old, other, "rotated", [old, other])
        for notes in (
            [succession(old, new, "rotated", [new])],
            [succession(old, new, "rotated", [old])],
            [rotated.replace("rotated", "restored")],
            [rotated, second],
            [succession(old, new, "renewed", [old, new])],
        ):
            self.refused("verification", follow_successions, notes, old.verifier)

    def test_decimals_go_and_come_back_exactly(self) -> None:
        options = BatchOptions("pat_1", "8867-4", "/min")
        values = ["98.60", "-0.05", "0", "9007199.254740991"]
        rows = [(START + timedelta(seconds=at), value) for at, value in enumerate(values)]
        (batch,) = batches_of(rows, options)
        found = [sample.value for sample in samples_of(batch.series[0])]
        self.assertEqual(found, [Decimal(value) for value in values])
        self.assertEqual([f"{one:f}" for one in found[:2]], ["98.600000000", "-0.050000000"])
        again = next(batches_of(rows, options))
        self.assertEqual(batch.request_id, again.request_id)
        for wrong in (98.6, True, "NaN", "1e-10", "9007199254740993", "a", Decimal("Infinity")):
            self.refused("input", list, batches_of([(START, wrong)], options))
        self.refused("input", list, batches_of([(datetime(2026, 4, 12), "1")], options))
        self.refused("input", list, batches_of([(START, "1"), (START, "1")], options))

    def test_values_of_a_later_kind_are_no_gap(self) -> None:
        (batch,) = batches_of([(START, "1")], BatchOptions("pat_1", "8867-4", "/min"))
        batch.series[0].values = None
        self.refused("input", samples_of, batch.series[0])

    def test_a_budget_ends_repetitions_until_calls_succeed_again(self) -> None:
        retries = Retries(attempts=3, budget=2)
        self.assertIsNotNone(retries.wait_before(1, None))
        self.assertIsNotNone(retries.wait_before(1, None))
        self.assertIsNone(retries.wait_before(1, None))
        for _ in range(11):
            retries.succeeded()
        self.assertIsNotNone(retries.wait_before(1, None))


if __name__ == "__main__":
    unittest.main()
