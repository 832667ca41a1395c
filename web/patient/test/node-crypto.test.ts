/** What the browser computes with is held against Node's own. */
import { createPublicKey, generateKeyPairSync, hash, randomBytes, sign, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import * as browser from "../app/proof/node-crypto.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const der = publicKey.export({ format: "der", type: "spki" });
const own = browser.createPublicKey({ key: der, type: "spki" });
const theirs = createPublicKey({ key: der, format: "der", type: "spki" });

test("hashes are the same", () => {
  for (const length of [0, 1, 55, 56, 63, 64, 65, 1_000]) {
    const bytes = randomBytes(length);
    expect(browser.hash("sha256", bytes, "buffer")).toEqual(hash("sha256", bytes, "buffer"));
  }
});

describe("a signature is judged the same", () => {
  const message = randomBytes(100);
  const signature = sign(null, message, privateKey);
  const flipped = (bytes: Buffer, at: number) => {
    const other = Buffer.from(bytes);
    other[at]! ^= 1;
    return other;
  };
  /** S plus the order of the group: the same signature in another encoding, which RFC 8032 refuses. */
  const malleable = () => {
    const order = (1n << 252n) + 27742317777372353535851937790883648493n;
    const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString("hex")}`) + order;
    const bytes = Buffer.from(s.toString(16).padStart(64, "0"), "hex").reverse();
    return Buffer.concat([signature.subarray(0, 32), bytes]);
  };
  const cases: readonly (readonly [string, () => readonly [Buffer, Buffer], boolean])[] = [
    ["as it was made", () => [message, signature], true],
    ["of another message", () => [flipped(message, 3), signature], false],
    ["with another R", () => [message, flipped(signature, 0)], false],
    ["with another S", () => [message, flipped(signature, 40)], false],
    ["in another encoding", () => [message, malleable()], false],
    ["too short", () => [message, signature.subarray(1)], false],
    ["empty", () => [message, Buffer.alloc(0)], false],
  ];
  test.each(cases)("%s", (_how, given, expected) => {
    const [said, signed] = given();
    expect(browser.verify(null, said, own, signed)).toBe(expected);
    expect(verify(null, said, theirs, signed)).toBe(expected);
  });
});

test("nothing else is taken for what it is not", () => {
  expect(() => browser.hash("sha1", randomBytes(1), "buffer")).toThrow(TypeError);
  expect(() => browser.createPublicKey({ key: der.subarray(1), type: "spki" })).toThrow(TypeError);
  expect(() => browser.sign()).toThrow(TypeError);
});
