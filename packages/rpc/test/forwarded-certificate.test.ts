import { X509Certificate } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { forwardedCertificate } from "../src/index.ts";
import { selfSigned } from "./certificates.ts";

const edge = "spiffe://wellapi.test/ns/wellapi-edge/sa/edge";
const { certificate } = await selfSigned("client");
const { certificate: another } = await selfSigned("somebody else");
const der = new X509Certificate(certificate).raw;
const cert = (pem: string) => `Cert="${encodeURIComponent(pem)}"`;
/** As Envoy writes it. */
const own = `Hash=0123abcd;${cert(certificate)};Subject="CN=client,O=\\"quoted; O\\"";URI=`;
const bySidecar = `By=spiffe://wellapi.test/ns/wellapi/sa/gateway;Hash=99;Subject="";URI=${edge}`;

describe("a proxy in front", () => {
  test("says in the last element which certificate the client has shown", () => {
    expect(forwardedCertificate(own, "proxy")).toEqual(der);
    expect(forwardedCertificate(`${cert(another)},${own}`, "proxy")).toEqual(der);
    expect(forwardedCertificate(`Subject="a, left open;${cert(another)},${own}`, "proxy")).toEqual(der);
  });

  test.each([
    "",
    "Hash=0123abcd",
    `${own},Hash=77`,
    cert(""),
    cert("no certificate"),
    `Cert=${encodeURIComponent(certificate)}`,
    `Cert="%ZZ"`,
    `${cert(certificate)};${cert(another)}`,
    `Subject="${cert(certificate).replaceAll('"', '\\"')}"`,
  ])("says of %.60s nothing that counts", (header) => {
    expect(forwardedCertificate(header, "proxy")).toBeUndefined();
  });

  test("can write anything, and the answer is a certificate or none", () => {
    const parts = [cert(certificate), '"', "\\", ";", ",", "Cert=", "URI=", edge, "%2C", "x"];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...parts), { maxLength: 12 }), (texts) => {
        const found = forwardedCertificate(texts.join(""), "proxy");
        expect(found === undefined || Buffer.from(found).equals(der)).toBe(true);
      }),
    );
  });
});

describe("an edge before a sidecar", () => {
  test("says it in the element before the sidecar's, which names the edge", () => {
    expect(forwardedCertificate(`${own},${bySidecar}`, edge)).toEqual(der);
    expect(forwardedCertificate(`${cert(another)},${own},${bySidecar}`, edge)).toEqual(der);
  });

  test.each([
    own,
    bySidecar,
    `${own},${bySidecar.replace("sa/edge", "sa/other")}`,
    `${own},${bySidecar};URI=${edge}`,
    `${own},${bySidecar},Hash=1`,
    `${bySidecar},${own}`,
  ])("is not who speaks in %.60s…", (header) => {
    expect(forwardedCertificate(header, edge)).toBeUndefined();
  });
});
