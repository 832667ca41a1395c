"""Proofs and notes of another implementation (packages/merkle/test/golden), and decimals at their edges."""

from __future__ import annotations

import json
import os
import unittest
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from wellapi import BatchOptions, ClientError, Retries, batches_of, samples_of
from wellapi.checkpoints import VerifierKey, open_checkpoint
from wellapi.merkle import leaf_hash, verify_consistency, verify_inclusion

GOLDEN = Path(os.environ["WELLAPI_GOLDEN"])
KEY = (GOLDEN / "verifier-key.txt").read_text().strip()
NOTE = (GOLDEN / "checkpoint.txt").read_text()
PROOFS = json.loads((GOLDEN / "proofs.json").read_text())
START = datetime(2026, 4, 12, 8, tzinfo=UTC)


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
