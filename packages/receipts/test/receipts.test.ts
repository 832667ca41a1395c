import { createHash } from "node:crypto";
import { base64url, CompactSign, generateKeyPair } from "jose";
import { describe, expect, it } from "vitest";
import { openReceiptKey, verifyReceipt } from "../src/index.ts";

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
});

const GOLDEN =
  "eyJhbGciOiJFZDI1NTE5Iiwia2lkIjoicVMxbk9MMkdfQWZDTUVnb1c4b2NYQlVxYU9ST2hnTk5OTnNBMUpQVW1lSSIsInR5cCI6IndlbGxhcGktZXJhc3VyZS1yZWNlaXB0K2p3dCJ9.eyJlcmFzdXJlIjoiZXJhXzEiLCJrZXlzX2Rlc3Ryb3llZCI6MX0.OWqjtKXvqT3DH_Ah24KODzOKTyugVEn1FKqfFhF4X2hN8SioIBbKQjJ3HOiR1UBYlI_ojypvmH4VOyhZcchmBw";
