import { writeFileSync } from "node:fs";
import { Code } from "@connectrpc/connect";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { problemError } from "@wellapi/grpc-client";
import { expect, test } from "vitest";
import { openFolder, openGateway, wellapi } from "./commands/world.ts";

test("help, the version and a command that does not exist end without a process's end", async () => {
  expect(await wellapi(["--help"])).toMatchObject({
    code: 0,
    err: "",
    out: expect.stringContaining("Exit codes"),
  });
  expect(await wellapi(["--version"])).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^\d+\.\d+\.\d+$/),
  });
  expect(await wellapi(["conquer"])).toMatchObject({
    code: 2,
    out: "",
    err: expect.stringContaining("conquer"),
  });
  expect(await wellapi(["consent", "create", "--help"])).toMatchObject({
    code: 0,
    out: expect.stringContaining("Example:"),
  });
});

test("a command line that is not understood ends with 2, a file that is not there with 8", async () => {
  for (const wrong of [
    ["audit", "lst"],
    ["audit", "list", "--limt"],
    ["ingest"],
    ["read", "--code", "8867-4"],
  ]) {
    expect((await wellapi(wrong)).code).toBe(2);
  }
  const env = await openGateway(() => {});
  const since = ["audit", "verify", "--since", "/no/such/file", "--verifier-key", "key"];
  const verify = await wellapi(["receipt", "verify", "/no/such/file", "--keys", "/no/such/keys"], { env });
  expect(verify).toMatchObject({ code: 8, err: expect.stringContaining("/no/such") });
  expect((await wellapi(since, { env })).code).not.toBe(0);
});

test("a call without a credential is refused before it is made", async () => {
  expect(await wellapi(["consent", "list"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("WELLAPI_API_KEY"),
  });
  expect(await wellapi(["consent", "list", "--api-key-file", "/no/such/file"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("/no/such/file"),
  });
  const asPatient = await wellapi(["consent", "list", "--as-patient", "pat_1"]);
  expect(asPatient).toMatchObject({ code: 2, err: expect.stringContaining("operator's key") });
});

test("an address, a folder of a certificate and a log's key that are none are named before anything is called", async () => {
  const folder = openFolder();
  for (const name of ["cert.pem", "key.pem", "ca.pem"]) writeFileSync(`${folder}/${name}`, "none");
  writeFileSync(`${folder}/empty`, "\n");
  const env = { WELLAPI_API_KEY: "wak_test" };
  for (const [words, names] of [
    [["consent", "list", "--url", "localhost:7080"], "--url localhost:7080"],
    [["consent", "list", "--grpc-url", "http://localhost:7443"], "--grpc-url http://localhost:7443"],
    [["consent", "list", "--credentials", folder], `${folder}/cert.pem does not hold a certificate`],
    [["consent", "list", "--api-key-file", `${folder}/empty`], `${folder}/empty is empty`],
    [["audit", "verify", "acc_1", "--verifier-key", "log+0a9859a3+AWgb"], "--verifier-key log+0a9859a3+AWgb"],
    [["consent", "list", "--state", "constructor"], "revoked"],
  ] as const) {
    expect(await wellapi(words, { env })).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringContaining(names),
    });
  }
  for (const words of [
    ["policy", "validate", folder],
    ["receipt", "verify", "-", "--keys", folder],
    ["clinical", "put", folder, "--patient", "pat_1"],
    ["consent", "create", "--from", folder],
  ]) {
    const { code, err } = await wellapi(words, { env });
    expect([code, err]).toEqual([8, expect.stringContaining(`cannot read ${folder}: it is a folder`)]);
  }
});

test("a credential that the exchange refuses is told with which ones are sent, and a single mistake once", async () => {
  let problem = {
    code: Code.Unauthenticated,
    reason: "CREDENTIAL_INVALID",
    message: "not of here",
  } as Parameters<typeof problemError>[0];
  const env = await openGateway(({ service }) =>
    service(ConsentService, {
      listConsents() {
        throw problemError(problem);
      },
    }),
  );
  expect(await wellapi(["consent", "list"], { env })).toMatchObject({
    code: 3,
    err: expect.stringMatching(/^CREDENTIAL_INVALID: not of here\n.*WELLAPI_API_KEY/),
  });
  const violations = [{ field: "page_size", description: "is negative", reason: "int32.gte" }];
  problem = {
    code: Code.InvalidArgument,
    reason: "INVALID_FIELD",
    message: "page_size: is negative",
    violations,
  };
  expect((await wellapi(["consent", "list"], { env })).err).toBe("INVALID_FIELD: page_size: is negative");
});

test("a wrong file in place of a key is refused without showing it", async () => {
  const file = `${openFolder()}/key.pem`;
  writeFileSync(file, "-----BEGIN PRIVATE KEY-----\nMIG2\n-----END PRIVATE KEY-----\n");
  const { code, out, err } = await wellapi(["consent", "list", "--api-key-file", file, "--json"]);
  expect(code).toBe(8);
  expect(out + err).not.toContain("MIG2");
});

test.each([
  [Code.Unauthenticated, 3],
  [Code.PermissionDenied, 4],
  [Code.NotFound, 5],
  [Code.FailedPrecondition, 6],
  [Code.Unavailable, 7],
  [Code.InvalidArgument, 8],
  [Code.DataLoss, 9],
  [Code.Unimplemented, 1],
])("status %i ends with exit code %i", async (code, exitCode) => {
  const env = await openGateway(({ service }) =>
    service(ConsentService, {
      listConsents() {
        throw problemError({ code, reason: "BECAUSE", message: "of this" });
      },
    }),
  );
  expect(await wellapi(["consent", "list"], { env })).toEqual({
    code: exitCode,
    out: "",
    err: "BECAUSE: of this",
  });
});

test("an error names the fields and the delay, for people and as JSON", async () => {
  const problem = {
    code: Code.Unavailable,
    reason: "BUSY",
    message: "later",
    violations: [{ field: "page_size", description: "is negative", reason: "int32.gte" }],
    retryAfterMs: 1_500,
  };
  const env = await openGateway(({ service }) =>
    service(ConsentService, {
      listConsents() {
        throw problemError(problem);
      },
    }),
  );
  const { err } = await wellapi(["consent", "list"], { env });
  expect(err).toBe("BUSY: later\n  page_size: is negative\n  try again in 1500 ms");
  const json = await wellapi(["consent", "list", "--json"], { env });
  expect(JSON.parse(json.err)).toEqual({ error: { ...problem, code: "Unavailable" } });
});

test("an exchange that is not there is told with what to do", async () => {
  const env = { WELLAPI_URL: "http://127.0.0.1:1", WELLAPI_API_KEY: "wak_test" };
  expect(await wellapi(["audit", "checkpoint"], { env })).toMatchObject({
    code: 7,
    err: expect.stringContaining("make start"),
  });
});

test("options win over the environment", async () => {
  const env = await openGateway(({ service }) =>
    service(AuditService, { getReceiptKeys: () => ({ jwks: '{"keys":[]}' }) }),
  );
  const elsewhere = { ...env, WELLAPI_URL: "http://127.0.0.1:1" };
  expect(await wellapi(["receipt", "keys", "--url", env.WELLAPI_URL!], { env: elsewhere })).toEqual({
    code: 0,
    out: '{"keys":[]}',
    err: "",
  });
});
