import { createPublicKey, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type CreateApiKeyRequest,
  type CreateOperatorKeyRequest,
  CredentialService,
  type IssueCertificateRequest,
} from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { Credential_Kind } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import {
  type IssuePatientTokenRequest,
  type RevokePatientTokensRequest,
  type RotateSigningKeyRequest,
  TokenService,
} from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { expect, test } from "vitest";
import { openFolder, openGateway, wellapi } from "./world.ts";

const time = timestampFromMs(Date.UTC(2026, 3, 12, 8));
const timeText = "2026-04-12T08:00:00.000Z";

async function openIdentity() {
  const certificates: IssueCertificateRequest[] = [];
  const keys: CreateApiKeyRequest[] = [];
  const tokens: IssuePatientTokenRequest[] = [];
  const rotations: RotateSigningKeyRequest[] = [];
  const operators: CreateOperatorKeyRequest[] = [];
  const revoked: RevokePatientTokensRequest[] = [];
  const credential = { id: "crd_1", kind: Credential_Kind.API_KEY, hint: "wak_abc", expireTime: time };
  const env = await openGateway(({ service }) => {
    service(CredentialService, {
      issueCertificate(request) {
        certificates.push(request);
        return { credential: { id: "crd_1" }, certificate: "the certificate", authority: "the authority" };
      },
      createApiKey(request) {
        keys.push(request);
        return { credential: { id: "crd_2" }, apiKey: "wak_secret" };
      },
      getCredential: () => ({ credential }),
      revokeCredential: () => ({ credential: { ...credential, revokeTime: time } }),
      createOperatorKey(request) {
        operators.push(request);
        return { credential: { id: "crd_3", operator: "opr_1" }, apiKey: "wak_operator" };
      },
      listOperatorKeys: ({ pageToken }) => ({
        credentials: [
          { ...credential, id: `crd_${pageToken || "8"}`, operator: "opr_1", displayName: "Night" },
        ],
        nextPageToken: pageToken === "" ? "9" : "",
      }),
      listCredentials: ({ pageToken }) => ({
        credentials: [{ ...credential, id: `crd_${pageToken || "0"}` }],
        nextPageToken: pageToken === "" ? "1" : "",
      }),
    });
    service(TokenService, {
      issuePatientToken(request) {
        tokens.push(request);
        return { token: "ey.token", expireTime: time };
      },
      listPatientTokens: ({ patient, pageToken }) => ({
        tokens: [{ id: `tok_${patient}_${pageToken || "1"}`, operator: "opr_1", expireTime: time }],
        nextPageToken: pageToken === "" ? "2" : "",
      }),
      revokePatientTokens(request) {
        revoked.push(request);
        return { revoked: request.tokens.length || 7 };
      },
      rotateSigningKey(request) {
        rotations.push(request);
        return { kid: "new", signTime: time, droppedKids: request.immediately ? ["old"] : [] };
      },
    });
  });
  return { env, certificates, keys, tokens, rotations, operators, revoked };
}

const issue = ["credential", "issue", "--application", "app_1"];

test("has a certificate issued for a key that stays in the folder, which nobody else can read", async () => {
  const { env, certificates } = await openIdentity();
  const folder = `${openFolder()}/pulse`;
  const { code, out } = await wellapi([...issue, "--out", folder, "--days", "7"], { env });
  expect(code).toBe(0);
  expect(out).toMatch(/^crd_1\nkey\.pem, cert\.pem and ca\.pem are in /);
  const read = (name: string) => readFileSync(`${folder}/${name}.pem`, "utf8");
  expect([read("cert"), read("ca")]).toEqual(["the certificate", "the authority"]);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(`${folder}/key.pem`).mode & 0o777).toBe(0o600);
  expect(certificates).toMatchObject([{ application: "app_1", lifetime: { seconds: 7n * 86_400n } }]);
  const { certificateRequest } = certificates[0]!;
  expect(certificateRequest).toContain("BEGIN CERTIFICATE REQUEST");
  expect(certificateRequest).not.toContain("PRIVATE");
  expect(createPublicKey(read("key")).asymmetricKeyType).toBe("ec");
  expect(() => new X509Certificate(certificateRequest)).toThrow(); // a request, not a certificate
});

test("issues an API key, and shows it once", async () => {
  const { env, keys } = await openIdentity();
  const { out } = await wellapi([...issue, "--api-key", "--request-id", "mine-1"], { env, terminal: true });
  expect(out).toBe("crd_2\nwak_secret\nKeep the key: it is shown to nobody else.");
  expect(keys).toMatchObject([{ application: "app_1", requestId: "mine-1" }]);
  const json = await wellapi([...issue, "--api-key", "--json"], { env });
  expect(JSON.parse(json.out)).toEqual({ credential: "crd_2", apiKey: "wak_secret" });
  expect(json.err).toBe("");
  const piped = await wellapi([...issue, "--api-key"], { env });
  expect(piped).toEqual({ code: 0, out: "wak_secret", err: "crd_2: keep its key" });
});

test.each([
  ["neither a folder nor --api-key", issue],
  ["both", [...issue, "--api-key", "--out", "/nowhere"]],
  ["a request id for a certificate", [...issue, "--out", "/nowhere", "--request-id", "mine-1"]],
])("%s is refused before anything is issued", async (_name, parameters) => {
  const { env, certificates, keys } = await openIdentity();
  expect((await wellapi(parameters, { env })).code).toBe(2);
  expect([...certificates, ...keys]).toEqual([]);
});

test("shows, lists and revokes", async () => {
  const { env } = await openIdentity();
  const shown = await wellapi(["credential", "get", "crd_1"], { env });
  expect(shown.out).toBe(`crd_1  API key  wak_abc  ${timeText}`);
  const listed = await wellapi(["credential", "list", "--application", "app_1"], { env });
  expect(listed.out).toMatch(/crd_0 [\s\S]*crd_1 /);
  const revoked = await wellapi(["credential", "revoke", "crd_1"], { env });
  expect(revoked.out).toBe(`crd_1 revoked at ${timeText}`);
});

test("issues a patient's token for so many minutes", async () => {
  const { env, tokens } = await openIdentity();
  expect((await wellapi(["token", "issue", "pat_1", "--minutes", "5"], { env })).out).toBe("ey.token");
  expect(tokens).toMatchObject([{ patient: "pat_1", lifetime: { seconds: 300n } }]);
});

test("replaces the signing key, in a minute or at once", async () => {
  const { env, rotations } = await openIdentity();
  const later = await wellapi(["signing-key", "rotate"], { env });
  expect(later.out).toBe(`new signs from ${timeText}`);
  const now = await wellapi(["signing-key", "rotate", "--now"], { env });
  expect(now.out).toContain("old verifies nothing any more");
  expect(rotations.map(({ immediately }) => immediately)).toEqual([false, true]);
});

test("makes, lists and revokes operators' keys", async () => {
  const { env, operators } = await openIdentity();
  const made = await wellapi(["operator", "create", "Night shift", "--days", "2"], { env, terminal: true });
  expect(made.out).toBe("crd_3\nwak_operator\nKeep the key: it is shown to nobody else.");
  expect(operators).toMatchObject([{ displayName: "Night shift", lifetime: { seconds: 172_800n } }]);
  const piped = await wellapi(["operator", "create", "Night shift"], { env });
  expect(piped).toEqual({ code: 0, out: "wak_operator", err: "crd_3: keep its key" });
  const json = await wellapi(["operator", "create", "Night shift", "--json"], { env });
  expect(JSON.parse(json.out)).toEqual({ credential: "crd_3", operator: "opr_1", apiKey: "wak_operator" });
  const listed = await wellapi(["operator", "list"], { env });
  expect(listed.out).toMatch(/crd_8 +│ opr_1 +│ Night [\s\S]*crd_9 /);
  const ended = await wellapi(["operator", "revoke", "crd_1"], { env });
  expect(ended.out).toBe(`crd_1 revoked at ${timeText}`);
});

test("lists a patient's tokens, and revokes those that are named or, when told so, all", async () => {
  const { env, revoked } = await openIdentity();
  expect((await wellapi(["token", "list", "pat_1"], { env })).out).toMatch(/tok_pat_1_1 [\s\S]*tok_pat_1_2 /);
  const named = await wellapi(["token", "revoke", "pat_1", "tok_1"], { env });
  expect(named.out).toBe("1 token revoked");
  expect((await wellapi(["token", "revoke", "pat_1", "--all"], { env })).out).toBe("7 tokens revoked");
  expect(revoked).toMatchObject([
    { patient: "pat_1", tokens: ["tok_1"] },
    { patient: "pat_1", tokens: [] },
  ]);
  expect((await wellapi(["token", "revoke", "pat_1"], { env })).code).toBe(2);
  expect((await wellapi(["token", "revoke", "pat_1", "tok_1", "--all"], { env })).code).toBe(2);
  expect(revoked).toHaveLength(2);
});
