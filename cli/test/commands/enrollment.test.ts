import { X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type CreateApiKeyRequest,
  type CreateEnrollmentCodeRequest,
  CredentialService,
  type EnrollCertificateRequest,
  type RotateApiKeyRequest,
} from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { expect, test } from "vitest";
import { certifyInto } from "../../src/certificate-folder.ts";
import { openFolder, openGateway, wellapi } from "./world.ts";

const time = timestampFromMs(Date.UTC(2026, 3, 12, 8));
const timeText = "2026-04-12T08:00:00.000Z";

async function openIdentity() {
  const codes: CreateEnrollmentCodeRequest[] = [];
  const enrolled: EnrollCertificateRequest[] = [];
  const rotated: RotateApiKeyRequest[] = [];
  const keys: CreateApiKeyRequest[] = [];
  const reported: { readonly apiKey: string; readonly authorization: string | null }[] = [];
  const env = await openGateway(({ service }) => {
    service(CredentialService, {
      createEnrollmentCode(request) {
        codes.push(request);
        return { code: "wellapi_ec_one", expireTime: time };
      },
      enrollCertificate(request, { requestHeader }) {
        enrolled.push(request);
        if (requestHeader.has("x-api-key") || requestHeader.has("authorization")) {
          throw new ConnectError("no other credential", Code.Unauthenticated);
        }
        return { credential: { id: "crd_1" }, certificate: "the certificate", authority: "the authority" };
      },
      rotateApiKey(request) {
        rotated.push(request);
        return { credential: { id: "crd_2" }, apiKey: "wak_new", replaced: { expireTime: time } };
      },
      createApiKey(request) {
        keys.push(request);
        return { credential: { id: "crd_3" }, apiKey: "wak_secret" };
      },
      reportLeakedApiKey({ apiKey }, { requestHeader }) {
        reported.push({ apiKey, authorization: requestHeader.get("authorization") });
        return {};
      },
    });
  });
  return { env, codes, enrolled, rotated, keys, reported };
}

test("makes a code, whose text alone goes to a file", async () => {
  const { env, codes } = await openIdentity();
  const made = await wellapi(["credential", "code", "--application", "app_1", "--minutes", "5"], { env });
  expect(made).toEqual({ code: 0, out: "wellapi_ec_one", err: `works once, until ${timeText}` });
  expect(codes).toMatchObject([{ application: "app_1", lifetime: { seconds: 300n } }]);
});

test("enrolls by a code from a file, with no other credential, into a folder that nobody else can read", async () => {
  const { env, enrolled } = await openIdentity();
  const folder = openFolder();
  writeFileSync(`${folder}/code.txt`, "wellapi_ec_one\n");
  const out = `${folder}/pulse`;
  mkdirSync(out, { mode: 0o700 });
  const { code, out: told } = await wellapi(
    ["credential", "enroll", "--code-file", `${folder}/code.txt`, "--out", out],
    { env },
  );
  expect([code, told]).toEqual([0, `crd_1\nkey.pem, cert.pem and ca.pem are in ${out}`]);
  expect(readFileSync(`${out}/cert.pem`, "utf8")).toBe("the certificate");
  expect(statSync(`${out}/key.pem`).mode & 0o777).toBe(0o600);
  expect(existsSync(`${out}/next`)).toBe(false);
  expect(enrolled[0]!.code).toBe("wellapi_ec_one");
  expect(enrolled[0]!.certificateRequest).toContain("BEGIN CERTIFICATE REQUEST");
  expect(() => new X509Certificate(enrolled[0]!.certificateRequest)).toThrow();
});

test("asks for nothing without a code", async () => {
  const { env, enrolled } = await openIdentity();
  const none = await wellapi(["credential", "enroll", "--out", openFolder()], { env });
  expect([none.code, none.err]).toEqual([2, expect.stringContaining("WELLAPI_ENROLLMENT_CODE")]);
  expect(enrolled).toEqual([]);
});

test("renews only with a certificate", async () => {
  const { env } = await openIdentity();
  const { code, err } = await wellapi(["credential", "renew"], { env });
  expect([code, err]).toEqual([2, expect.stringContaining("--credentials")]);
});

test("an interrupted run asks for the same certificate again, and mixes no key with another's certificate", async () => {
  const folder = openFolder();
  const asked: { readonly requestId: string; readonly certificateRequest: string }[] = [];
  const lost = certifyInto(folder, async (request) => {
    asked.push(request);
    throw new Error("the answer was lost");
  });
  await expect(lost).rejects.toThrow("lost");
  const key = readFileSync(`${folder}/next/key.pem`, "utf8");
  await certifyInto(folder, async (request) => {
    asked.push(request);
    return { credential: { id: "crd_1" }, certificate: "first", authority: "root" };
  });
  expect(asked[1]).toEqual(asked[0]);
  expect(readFileSync(`${folder}/key.pem`, "utf8")).toBe(key);

  // A stop between the moves of two files: the next run moves the rest, and asks for nothing.
  const second = certifyInto(folder, async () => {
    mkdirSync(`${folder}/next/kept`);
    renameSync(`${folder}/next/key.pem`, `${folder}/key.pem`);
    writeFileSync(`${folder}/next/cert.pem`, "second");
    writeFileSync(`${folder}/next/ca.pem`, "root");
    writeFileSync(`${folder}/next/credential`, "crd_2");
    throw new Error("stopped");
  });
  await expect(second).rejects.toThrow("stopped");
  const credential = await certifyInto(folder, async () => {
    throw new Error("asked again");
  });
  expect([credential, readFileSync(`${folder}/cert.pem`, "utf8")]).toEqual(["crd_2", "second"]);
});

test("issues an API key with its terms, and refuses them for a certificate", async () => {
  const { env, keys } = await openIdentity();
  const issue = ["credential", "issue", "--application", "app_1", "--name", "Night sync"];
  const terms = ["--scope", "system/Observation.s", "--network", "192.0.2.0/24", "2001:db8::/32"];
  expect((await wellapi([...issue, ...terms, "--api-key"], { env })).code).toBe(0);
  expect(keys).toMatchObject([
    {
      displayName: "Night sync",
      scopes: ["system/Observation.s"],
      networks: ["192.0.2.0/24", "2001:db8::/32"],
    },
  ]);
  expect((await wellapi([...issue, "--out", openFolder()], { env })).code).toBe(2);
});

test("rotates a key, and says when the old one ends", async () => {
  const { env, rotated } = await openIdentity();
  const made = await wellapi(["credential", "rotate", "crd_1", "--overlap-hours", "48"], { env });
  expect(made).toEqual({
    code: 0,
    out: "wak_new",
    err: `crd_1 ends at ${timeText}\ncrd_2: keep its key`,
  });
  expect(rotated).toMatchObject([{ credential: "crd_1", overlap: { seconds: 172_800n } }]);
});

test("reports a leaked key from stdin, without a credential and without printing it", async () => {
  const { env, reported } = await openIdentity();
  const told = await wellapi(["credential", "report-leak"], { env, stdin: "wellapi_sk_found\n" });
  expect(told.code).toBe(0);
  expect(told.out + told.err).not.toContain("wellapi_sk_found");
  expect(reported).toEqual([{ apiKey: "wellapi_sk_found", authorization: null }]);
  expect((await wellapi(["credential", "report-leak"], { env })).code).toBe(2);
});
