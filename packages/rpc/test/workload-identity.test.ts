import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { certificateIdentity, sidecarIdentity, spiffeIdOf, workloadOf } from "../src/index.ts";

const names = { trustDomain: "wellapi.test" };
const records = "spiffe://wellapi.test/ns/wellapi/sa/records";

describe("a service account's SPIFFE id", () => {
  test("reads back what it was made of", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/), (workload) => {
        expect(workloadOf(spiffeIdOf(workload, names), names)).toBe(workload);
      }),
    );
  });

  test.each([
    "spiffe://other.test/ns/wellapi/sa/records",
    "spiffe://wellapi.test/ns/other/sa/records",
    "spiffe://wellapi.test/ns/wellapi/sa/records/",
    "spiffe://wellapi.test/ns/wellapi/sa/",
    "spiffe://wellapi.test/ns/wellapi/sa/re/cords",
    "spiffe://wellapi.test/ns/wellapi/sa/Records",
    "spiffe://wellapi.test/ns/wellapi/sa/%72ecords",
    "spiffe://wellapi.test/ns/wellapi/sa/records?x",
    "SPIFFE://wellapi.test/ns/wellapi/sa/records",
    "spiffe://wellapi.test.evil/ns/wellapi/sa/records",
    "spiffe://wellapi.test/org/org_1/app/app_1/cred/crd_1",
    "",
  ])("%j is nobody", (uri) => {
    expect(workloadOf(uri, names)).toBeUndefined();
  });
});

describe("from a certificate", () => {
  const identity = certificateIdentity(names);
  const of = (subjectAltName: string | undefined) => identity({ subjectAltName, header: new Headers() });

  test("the one URI counts, beside names of other kinds", () => {
    expect(of(`URI:${records}`)).toBe("records");
    expect(of(`DNS:records, URI:${records}, IP Address:127.0.0.1`)).toBe("records");
  });

  test.each([
    undefined,
    "",
    `DNS:${records}`,
    `URI:${records}, URI:spiffe://wellapi.test/ns/wellapi/sa/audit`,
    `URI:${records}, URI:${records}`,
    // node:tls quotes a name that holds a separator: a DNS name must not smuggle a URI in.
    `DNS:"x, URI:${records}"`,
    `URI:${records}, DNS:"x, y"`,
  ])("%j is nobody", (subjectAltName) => {
    expect(of(subjectAltName)).toBeUndefined();
  });

  test("the sidecar's header is not even looked at", () => {
    const header = new Headers({ "x-forwarded-client-cert": `URI=${records}` });
    expect(identity({ subjectAltName: undefined, header })).toBeUndefined();
  });
});

describe("from a sidecar", () => {
  const identity = sidecarIdentity(names);
  const of = (value: string) =>
    identity({ subjectAltName: undefined, header: new Headers({ "x-forwarded-client-cert": value }) });
  const element = (uri: string) =>
    `By=spiffe://wellapi.test/ns/wellapi/sa/consent;Hash=${"ab".repeat(32)};Subject="O=a,CN=\\"b;c\\"";URI=${uri}`;

  test("the last element is the sidecar's own, whatever the caller put before it", () => {
    expect(of(element(records))).toBe("records");
    const audit = "spiffe://wellapi.test/ns/wellapi/sa/audit";
    expect(of(`${element(records)},${element(audit)}`)).toBe("audit");
    expect(
      of(`${element(records)}, ${element("spiffe://other.test/ns/wellapi/sa/records")}`),
    ).toBeUndefined();
  });

  test("nothing that a caller puts before it changes what the sidecar says", () => {
    expect(of(`Subject="x,${element(records)}`)).toBe("records");
    const caller = fc.string({ unit: fc.constantFrom(...'"\\,;= URI', "uri=", element(records)) });
    const stranger = element("spiffe://wellapi.test/ns/wellapi/sa/ingestion");
    fc.assert(
      fc.property(caller, (before) => {
        expect(of(`${before},${stranger}`)).toBe("ingestion");
      }),
    );
  });

  test("an element without a URI, or with two, is nobody", () => {
    expect(of(`Hash=${"ab".repeat(32)}`)).toBeUndefined();
    expect(of(`URI=${records};URI=${records}`)).toBeUndefined();
    expect(of(`By=${records}`)).toBeUndefined();
    expect(of("")).toBeUndefined();
  });

  test("a certificate is not looked at", () => {
    expect(identity({ subjectAltName: `URI:${records}`, header: new Headers() })).toBeUndefined();
  });
});
