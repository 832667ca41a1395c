import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createPatientKey } from "../src/patient-key.ts";

const tampered = expect.objectContaining({ code: "tampered" });

function newKey(partition = "local/pat_1") {
  return createPatientKey(partition, "data", [{ version: 1, bytes: randomBytes(32) }]);
}

test("whatever is sealed opens in its context", () => {
  const key = newKey();
  fc.assert(
    fc.property(fc.string(), fc.uint8Array({ maxLength: 5000 }), (context, plaintext) => {
      expect(key.open(context, key.seal(context, plaintext))).toEqual(plaintext);
    }),
  );
});

test("bytes moved to another context do not open", () => {
  const key = newKey();
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.uint8Array({ maxLength: 100 }), (context, other, plaintext) => {
      fc.pre(context !== other);
      expect(() => key.open(other, key.seal(context, plaintext))).toThrow(tampered);
    }),
  );
});

test("the same bytes of a key under another patient, use or version do not open", () => {
  const bytes = randomBytes(32);
  const make = (partition: string, use: "data" | "audit", version: number) =>
    createPatientKey(partition, use, [{ version, bytes: Uint8Array.from(bytes) }]);
  const sealed = make("local/pat_1", "data", 1).seal("x", new Uint8Array(10));
  expect(make("local/pat_1", "data", 1).open("x", sealed)).toEqual(new Uint8Array(10));
  expect(() => make("local/pat_2", "data", 1).open("x", sealed)).toThrow(tampered);
  expect(() => make("local/pat_1", "audit", 1).open("x", sealed)).toThrow(tampered);
  expect(() => make("local/pat_1", "data", 2).open("x", sealed.with(4, 2))).toThrow(tampered);
});

test("any changed or missing byte is found", () => {
  const key = newKey();
  const sealed = key.seal("x", randomBytes(40));
  fc.assert(
    fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      expect(() => key.open("x", sealed.with(at, sealed[at]! ^ flip))).toThrow(tampered);
      expect(() => key.open("x", sealed.subarray(0, at))).toThrow(tampered);
      expect(() => key.open("x", sealed.slice(0, at))).toThrow(tampered);
    }),
  );
});

test("what does not open says why, for whoever looks for the reason", () => {
  const key = newKey();
  expect(() => key.open("y", key.seal("x", Uint8Array.of(1)))).toThrow(
    expect.objectContaining({ name: "VaultError", code: "tampered", cause: expect.any(Error) }),
  );
});

test("sealing twice shows nothing of the same plaintext", () => {
  const key = newKey();
  const plaintext = new Uint8Array(32);
  expect(key.seal("x", plaintext).subarray(5)).not.toEqual(key.seal("x", plaintext).subarray(5));
});

test("sealed bytes that are a view of a larger buffer open", () => {
  const key = newKey();
  const sealed = key.seal("x", Uint8Array.of(7));
  const view = Buffer.concat([randomBytes(3), sealed, randomBytes(3)]).subarray(3, 3 + sealed.length);
  expect(key.open("x", view)).toEqual(Uint8Array.of(7));
});

test("macs differ by label and by key", () => {
  const key = newKey();
  const data = randomBytes(16);
  expect(key.mac("a", data)).toHaveLength(32);
  expect(key.mac("a", data)).toEqual(key.mac("a", data));
  expect(key.mac("a", data)).not.toEqual(key.mac("b", data));
  expect(key.mac("a", data)).not.toEqual(newKey().mac("a", data));
});

test("a context that has no UTF-8 form is refused", () => {
  expect(() => newKey().seal("\ud800", new Uint8Array())).toThrow(
    expect.objectContaining({ code: "invalid" }),
  );
});

test("a key stops sealing at its limit and still opens", () => {
  const key = createPatientKey("local/pat_1", "data", [{ version: 1, bytes: randomBytes(32) }], 2);
  const sealed = key.seal("x", Uint8Array.of(1));
  key.seal("x", Uint8Array.of(2));
  expect(() => key.seal("x", Uint8Array.of(3))).toThrow(expect.objectContaining({ code: "unavailable" }));
  expect(key.open("x", sealed)).toEqual(Uint8Array.of(1));
});

test("dropping overwrites the key's bytes, and nothing can be done with it any more", () => {
  const bytes = randomBytes(32);
  const key = createPatientKey("local/pat_1", "data", [{ version: 1, bytes }]);
  const sealed = key.seal("x", Uint8Array.of(1));
  key.mac("x", sealed);
  key.drop();
  expect(bytes).toEqual(Buffer.alloc(32));
  const dropped = expect.objectContaining({ code: "unavailable" });
  expect(() => key.seal("x", sealed)).toThrow(dropped);
  expect(() => key.open("x", sealed)).toThrow(dropped);
  expect(() => key.mac("x", sealed)).toThrow(dropped);
});

test("of a key of several versions the newest seals, each opens, the first makes macs, and the bytes of the others are overwritten at once", () => {
  const [first, second] = [randomBytes(32), randomBytes(32)];
  const versions = (...all: Uint8Array[]) =>
    all.map((bytes, i) => ({ version: i + 1, bytes: Uint8Array.from(bytes) }));
  const old = createPatientKey("local/pat_1", "data", versions(first));
  const both = versions(first, second);
  const key = createPatientKey("local/pat_1", "data", both);
  expect(both[1]!.bytes).toEqual(new Uint8Array(32));
  const sealed = key.seal("x", Uint8Array.of(1));
  expect([...sealed.subarray(0, 5)]).toEqual([1, 0, 0, 0, 2]);
  expect(() => old.open("x", sealed)).toThrow(tampered);
  expect(key.open("x", old.seal("x", Uint8Array.of(2)))).toEqual(Uint8Array.of(2));
  expect(key.mac("x", first)).toEqual(old.mac("x", first));
});
