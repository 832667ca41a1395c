import { randomBytes } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { AccessSchema } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { randomIds, systemClock } from "@wellapi/runtime";
import { expect, test } from "vitest";
import { createLeafSealer } from "../src/index.ts";
import { createLeafDocument, decodeLeafDocument, encodeLeafDocument, openLeafDocument } from "../src/leaf.ts";

const partition = "local/pat_1";

async function openScene() {
  const master = new Uint8Array(randomBytes(32));
  const sealer = await createLeafSealer({ kms: { derive: async () => master } as never, service: "records" });
  return {
    sealer,
    leafOf: (access: object) =>
      createLeafDocument({ ids: randomIds, clock: systemClock, sealer }, partition, true, access),
  };
}

test("an access of 16 KiB is a leaf, one of a byte more is refused", async () => {
  const { sealer, leafOf } = await openScene();
  const access = { id: "acc_1", time: { seconds: 1n, nanos: 0 } };
  // Of two thousand bytes and more the length of a text takes two bytes, whatever it is.
  const around =
    openLeafDocument(sealer, leafOf({ ...access, method: "x".repeat(8_192) })).body.length - 8_192;
  const longest = openLeafDocument(sealer, leafOf({ ...access, method: "x".repeat(16_384 - around) }));
  expect(longest.body).toHaveLength(16_384);
  expect(() => leafOf({ ...access, method: "x".repeat(16_385 - around) })).toThrow(
    expect.objectContaining({ code: "leaf_too_large" }),
  );
});

test("a leaf is the same after it was kept in the reserve", async () => {
  const { sealer, leafOf } = await openScene();
  const leaf = leafOf({ method: "a.B/C" });
  const kept = decodeLeafDocument(encodeLeafDocument(leaf));
  expect(kept).toEqual(leaf);
  expect(fromBinary(AccessSchema, openLeafDocument(sealer, kept).body)).toMatchObject({ method: "a.B/C" });
});

test("a record that is no leaf is told as one that was tampered with, and why", () => {
  const fields = { partition, id: "acc_1", timeMs: 1, patient: true, sealed: "AA==" };
  const others = { partition: 1, id: null, timeMs: "1", patient: 1, sealed: [0] };
  const mistyped = Object.entries(others).map(([name, value]) =>
    JSON.stringify({ ...fields, [name]: value }),
  );
  expect(decodeLeafDocument(Buffer.from(JSON.stringify(fields)))).toMatchObject({ id: "acc_1" });
  for (const text of ["", "{", "[1", "null", '{"id":"acc_1"}', ...mistyped]) {
    expect(() => decodeLeafDocument(Buffer.from(text)), text).toThrow(
      expect.objectContaining({ name: "AccessLogError", code: "tampered", cause: expect.any(Error) }),
    );
  }
});

test("a leaf that does not open says why", async () => {
  const { sealer, leafOf } = await openScene();
  const leaf = leafOf({ method: "a.B/C" });
  expect(() => openLeafDocument(sealer, { ...leaf, id: "acc_other" })).toThrow(
    expect.objectContaining({ code: "tampered", cause: expect.objectContaining({ code: "tampered" }) }),
  );
});
