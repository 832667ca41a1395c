import { createHash, createPrivateKey } from "node:crypto";
import { base64url, CompactSign, exportJWK, generateKeyPair } from "jose";
import { describe, expect, it } from "vitest";
import { openReceiptKey, ReceiptError, verifyReceipt } from "../src/index.ts";

const kind = "wellapi-erasure-receipt+jwt";
const claims = { erasure: "era_1", keys_destroyed: 1 };
const derive = (secret: string) => async (label: string) =>
  new Uint8Array(createHash("sha256").update(`${secret} ${label}`).digest());

async function opened(secret = "one") {
  return openReceiptKey({ derive: derive(secret) });
}

describe("a receipt", () => {
  it("verifies with the published key and gives what was signed", async () => {
    const key = await opened();
    const jws = await key.sign(kind, claims);
    expect(await verifyReceipt(kind, jws, key.jwks)).toEqual(claims);
  });

  it("verifies for ever: this one was signed once", async () => {
    const key = await opened();
    expect(await verifyReceipt(kind, GOLDEN, key.jwks)).toEqual(claims);
    expect(await key.sign(kind, claims)).toBe(GOLDEN);
  });

  it("publishes no private part", async () => {
    const [key] = (await opened()).jwks.keys;
    expect(Object.keys(key!).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x"]);
  });

  it("with one changed byte anywhere does not verify", async () => {
    const key = await opened();
    const jws = await key.sign(kind, claims);
    // Of the last character some bits count for nothing.
    for (let at = 0; at < jws.length - 1; at++) {
      if (jws[at] === ".") continue;
      const changed = jws.slice(0, at) + (jws[at] === "A" ? "B" : "A") + jws.slice(at + 1);
      await expect(verifyReceipt(kind, changed, key.jwks), `byte ${at}`).rejects.toMatchObject({
        name: "ReceiptError",
      });
    }
  });

  it("of another installation, of another kind, or of another algorithm does not verify", async () => {
    const key = await opened();
    const jws = await key.sign(kind, claims);
    await expect(verifyReceipt(kind, jws, (await opened("two")).jwks)).rejects.toMatchObject({
      code: "unknown_key",
    });
    const [{ kid }] = key.jwks.keys as [{ kid: string }];
    const foreign = await generateKeyPair("Ed25519");
    const forged = await new CompactSign(Buffer.from("{}"))
      .setProtectedHeader({ alg: "Ed25519", kid, typ: kind })
      .sign(foreign.privateKey);
    await expect(verifyReceipt(kind, forged, key.jwks)).rejects.toMatchObject({ code: "not_authentic" });
    const [, payload] = jws.split(".");
    const none = `${base64url.encode(JSON.stringify({ alg: "none", kid, typ: kind }))}.${payload}.`;
    await expect(verifyReceipt(kind, none, key.jwks)).rejects.toMatchObject({ code: "malformed" });
    const token = await new CompactSign(Buffer.from("{}"))
      .setProtectedHeader({ alg: "Ed25519", kid, typ: "at+jwt" })
      .sign(foreign.privateKey);
    await expect(verifyReceipt(kind, token, key.jwks)).rejects.toMatchObject({ name: "ReceiptError" });
    await expect(verifyReceipt(kind, "not a receipt", key.jwks)).rejects.toMatchObject({ code: "malformed" });
  });

  it("is no other thing that the same key signed", async () => {
    const key = await opened();
    const token = await key.sign("at+jwt" as never, claims);
    await expect(verifyReceipt(kind, token, key.jwks)).rejects.toMatchObject({
      name: "ReceiptError",
      code: "malformed",
    });
  });

  it("holds claims: a signed text, list, number, nothing or no JSON is none", async () => {
    const seed = await derive("one")("receipts/signing");
    const key = await openReceiptKey({ derive: async () => seed.slice() });
    const [{ kid }] = key.jwks.keys as [{ kid: string }];
    const privateKey = createPrivateKey({
      key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]),
      format: "der",
      type: "pkcs8",
    });
    const payloads = [
      ['"era_1"', {}],
      ['["era_1"]', {}],
      ["1", {}],
      ["null", {}],
      ["era_1", { cause: expect.any(SyntaxError) }],
      ["", { cause: expect.any(SyntaxError) }],
    ] as const;
    for (const [payload, why] of payloads) {
      const signed = await new CompactSign(Buffer.from(payload))
        .setProtectedHeader({ alg: "Ed25519", kid, typ: kind })
        .sign(privateKey);
      await expect(verifyReceipt(kind, signed, key.jwks), payload).rejects.toMatchObject({
        name: "ReceiptError",
        code: "malformed",
        ...why,
      });
    }
  });

  it("is signed with Ed25519, also where the key set holds other keys of the installation", async () => {
    const key = await opened();
    const other = await generateKeyPair("ES256");
    const jwk = { ...(await exportJWK(other.publicKey)), kid: "other", use: "sig", alg: "ES256" };
    const jws = await new CompactSign(Buffer.from(JSON.stringify(claims)))
      .setProtectedHeader({ alg: "ES256", kid: "other", typ: kind })
      .sign(other.privateKey);
    const jwks = { keys: [...key.jwks.keys, jwk] };
    await expect(verifyReceipt(kind, jws, jwks)).rejects.toMatchObject({ code: "malformed" });
    expect(await verifyReceipt(kind, await key.sign(kind, claims), jwks)).toEqual(claims);
  });

  it("that does not verify says why", async () => {
    const key = await opened();
    const jws = await key.sign(kind, claims);
    const causeOf = async (text: string, jwks = key.jwks) =>
      verifyReceipt(kind, text, jwks).then(
        () => undefined,
        ({ code, cause }: ReceiptError) => [code, (cause as { code?: string }).code],
      );
    expect(await causeOf(jws, (await opened("two")).jwks)).toEqual([
      "unknown_key",
      "ERR_JWKS_NO_MATCHING_KEY",
    ]);
    const changed = jws.replace(/\.(.)/, (_, first: string) => `.${first === "A" ? "B" : "A"}`);
    expect(await causeOf(changed)).toEqual(["not_authentic", "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"]);
    expect(await causeOf("not a receipt")).toEqual(["malformed", "ERR_JWS_INVALID"]);
  });

  it("is not blamed for keys that are no key set, or of which two have one id", async () => {
    const key = await opened();
    const jws = await key.sign(kind, claims);
    const twice = { keys: [...key.jwks.keys, ...key.jwks.keys] };
    for (const jwks of [{}, { keys: "none" }, null, [], twice]) {
      await expect(verifyReceipt(kind, jws, jwks as never), JSON.stringify(jwks)).rejects.toMatchObject({
        name: "ReceiptError",
        code: "keys_malformed",
        cause: expect.any(Error),
      });
    }
  });

  it("is not blamed for a key that is none", async () => {
    const key = await opened();
    const jws = await key.sign(kind, claims);
    const [jwk] = key.jwks.keys;
    await expect(verifyReceipt(kind, jws, { keys: [{ ...jwk!, x: "AAAA" }] })).rejects.not.toBeInstanceOf(
      ReceiptError,
    );
  });
});

describe("the key of receipts", () => {
  it("leaves no copy of its seed with the key management", async () => {
    const seed = await derive("one")("receipts/signing");
    await openReceiptKey({ derive: async () => seed });
    expect([...seed]).toEqual(Array(32).fill(0));
  });
});

const GOLDEN =
  "eyJhbGciOiJFZDI1NTE5Iiwia2lkIjoicVMxbk9MMkdfQWZDTUVnb1c4b2NYQlVxYU9ST2hnTk5OTnNBMUpQVW1lSSIsInR5cCI6IndlbGxhcGktZXJhc3VyZS1yZWNlaXB0K2p3dCJ9.eyJlcmFzdXJlIjoiZXJhXzEiLCJrZXlzX2Rlc3Ryb3llZCI6MX0.OWqjtKXvqT3DH_Ah24KODzOKTyugVEn1FKqfFhF4X2hN8SioIBbKQjJ3HOiR1UBYlI_ojypvmH4VOyhZcchmBw";
