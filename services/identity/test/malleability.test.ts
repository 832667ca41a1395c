/**
 * An ECDSA signature (r, s) has a second form, (r, n - s), which verifies as well; the last character of base64url has bits that
 * nobody reads. So the holder of a certificate or a token can write it in bytes that were never seen. None passes a revocation.
 */
import "reflect-metadata";
import { X509Certificate as NodeCertificate, randomUUID } from "node:crypto";
import { Code } from "@connectrpc/connect";
import { X509Certificate } from "@peculiar/x509";
import { expect, test } from "vitest";
import { createRequest, derOf } from "./certificates.ts";
import {
  createApplication,
  createInstallation,
  createPatient,
  type Installation,
  operator,
} from "./installation.ts";
import { problem } from "./problem.ts";

const refused = (words: string) => problem(Code.Unauthenticated, "CREDENTIAL_INVALID", words);

/** The order of P-256 (NIST SP 800-186, 3.2.1.3). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

function negated(s: Buffer): Buffer {
  const other = order - BigInt(`0x${s.toString("hex")}`);
  return Buffer.from(other.toString(16).padStart(64, "0"), "hex");
}

function tlv(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const head = length < 128 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}

/** An unsigned integer of 32 bytes, as DER has it. */
function integer(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const short = bytes.subarray(first);
  return tlv(2, short[0]! < 0x80 ? short : Buffer.concat([Buffer.of(0), short]));
}

/** The certificate with its signature's second form. */
function rewrittenCertificate(der: Uint8Array): Uint8Array {
  const signature = Buffer.from(new X509Certificate(der).signature);
  const end = 4 + signature[3]!; // SEQUENCE { INTEGER r, INTEGER s }
  const both = Buffer.concat([signature.subarray(2, end), integer(negated(signature.subarray(end + 2)))]);
  const unsigned = der.subarray(4, der.length - tlv(3, Buffer.of(0), signature).length);
  return new Uint8Array(tlv(0x30, unsigned, tlv(3, Buffer.of(0), tlv(0x30, both))));
}

/** The token with its signature's second form, and with unread bits set. */
function rewrittenTokens(token: string): string[] {
  const at = token.lastIndexOf(".") + 1;
  const signature = Buffer.from(token.slice(at), "base64url");
  const second = Buffer.concat([signature.subarray(0, 32), negated(signature.subarray(32))]);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const unread = alphabet[alphabet.indexOf(token.at(-1)!) ^ 1];
  const all = [token.slice(0, at) + second.toString("base64url"), token.slice(0, -1) + unread];
  expect(new Set([token, ...all]).size).toBe(3);
  return all;
}

const show = (installation: Installation, value: Uint8Array) =>
  installation.exchange("door")({
    credential: { case: "clientCertificate", value: new Uint8Array(value) },
  });

test("a certificate written anew is not the one that was issued, revoked or not", async () => {
  const installation = await createInstallation();
  const { application } = await createApplication(installation);
  const { credentials } = installation.as(operator);
  const issued = await credentials.issueCertificate({
    requestId: randomUUID(),
    application: application.id,
    certificateRequest: await createRequest(),
  });
  const der = derOf(issued.certificate);
  const rewritten = rewrittenCertificate(der);
  // It is a good certificate of this installation, so that TLS takes it.
  expect(Buffer.compare(rewritten, der)).not.toBe(0);
  const root = new NodeCertificate(issued.authority).publicKey;
  expect(new NodeCertificate(rewritten).verify(root)).toBe(true);

  await show(installation, der);
  await expect(show(installation, rewritten)).rejects.toSatisfy(refused("unknown"));
  await credentials.revokeCredential({ credential: issued.credential!.id });
  await expect(show(installation, der)).rejects.toSatisfy(refused("revoked"));
  await expect(show(installation, rewritten)).rejects.toSatisfy(refused("unknown"));
});

test("a patient's token written anew ends with the token", async () => {
  const installation = await createInstallation();
  const { patient } = await createPatient(installation);
  const { tokens } = installation.as(operator);
  const { token, tokenId } = await tokens.issuePatientToken({ requestId: randomUUID(), patient: patient.id });
  const shown = (value: string) =>
    installation.exchange("gateway")({ credential: { case: "bearerToken", value } });
  for (const rewritten of rewrittenTokens(token)) await shown(rewritten);
  await tokens.revokePatientTokens({ patient: patient.id, tokens: [tokenId] });
  for (const rewritten of rewrittenTokens(token)) {
    await expect(shown(rewritten)).rejects.toSatisfy(refused("revoked"));
  }
});

test("an internal token written anew ends with the credential that it was made from", async () => {
  const installation = await createInstallation();
  const { application } = await createApplication(installation);
  const { credentials } = installation.as(operator);
  const { apiKey, credential } = await credentials.createApiKey({
    requestId: randomUUID(),
    application: application.id,
  });
  const { token } = await installation.exchange("door")({ credential: { case: "apiKey", value: apiKey } });
  const onward = (value: string) =>
    installation.exchange("records")({ credential: { case: "internalToken", value } });
  for (const rewritten of rewrittenTokens(token)) await onward(rewritten);
  await credentials.revokeCredential({ credential: credential!.id });
  for (const rewritten of rewrittenTokens(token)) {
    await expect(onward(rewritten)).rejects.toSatisfy(refused("revoked"));
  }
});
