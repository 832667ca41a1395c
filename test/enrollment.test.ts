/** How a machine gets its certificates, and where an API key may be used: by the command line, at the real doors. */
import { spawn } from "node:child_process";
import { randomUUID, X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createClient } from "@connectrpc/connect";
import { connect } from "@wellapi/client";
import { enrolCompany, operatorAt } from "@wellapi/demo/people";
import { temporaryFolder } from "@wellapi/demo/server";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { problemOf } from "@wellapi/rpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sharedExchange } from "./shared-exchange.ts";

describe("credentials in use", () => {
  const folder = temporaryFolder();
  const server = sharedExchange();
  let application: string;
  beforeAll(async () => {
    const { organization } = await enrolCompany(server, "Maker");
    const client = createClient(OrganizationService, operatorAt(server));
    application = (await client.listApplications({ organization })).applications[0]!.id;
  });
  afterAll(() => folder.remove());

  const wellapi = (...parameters: string[]) =>
    new Promise<{ readonly code: number | null; readonly said: string }>((resolve) => {
      const url = ["--url", server.http, "--grpc-url", server.grpc];
      const program = new URL("../cli/src/main.ts", import.meta.url).pathname;
      const child = spawn(process.execPath, [program, ...parameters, ...url]);
      let said = "";
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
      child.on("close", (code) => resolve({ code, said }));
    });

  const read = (name: string) => readFileSync(`${folder.path}/machine/${name}.pem`, "utf8");
  const call = () => {
    const certificate = { cert: read("cert"), key: read("key"), ca: read("ca") };
    return createClient(ConsentService, connect({ url: server.grpc, certificate })).listConsents({});
  };

  test("a machine enrolls by a code, calls, renews by its certificate, and calls on", {
    timeout: 120_000,
  }, async () => {
    const operator = createClient(CredentialService, operatorAt(server));
    const { code } = await operator.createEnrollmentCode({ requestId: randomUUID(), application });
    writeFileSync(`${folder.path}/code`, code);
    const enroll = ["credential", "enroll", "--code-file", `${folder.path}/code`];
    expect(await wellapi(...enroll, "--out", `${folder.path}/machine`)).toMatchObject({ code: 0 });
    await call();
    const first = read("cert");
    const again = await wellapi(...enroll, "--out", `${folder.path}/second`);
    expect([again.code, again.said]).toEqual([expect.any(Number), expect.stringContaining("used before")]);
    expect(again.code).not.toBe(0);

    const renew = ["credential", "renew", "--credentials", `${folder.path}/machine`];
    expect(await wellapi(...renew)).toMatchObject({ code: 0 });
    expect(read("cert")).not.toBe(first);
    expect(new X509Certificate(read("cert")).subjectAltName).toContain(`/app/${application}/`);
    await call();
  });

  test("an API key counts only where its networks say, and has a last use", { timeout: 60_000 }, async () => {
    const operator = createClient(CredentialService, operatorAt(server));
    const made = (...networks: string[]) =>
      operator.createApiKey({ requestId: randomUUID(), application, networks });
    const use = ({ apiKey }: { readonly apiKey: string }) =>
      createClient(ConsentService, connect({ url: server.http, apiKey })).listConsents({});
    const here = await made("127.0.0.0/8", "::1");
    await use(here);
    const elsewhere = await use(await made("192.0.2.0/24")).catch((error: unknown) => error);
    expect(problemOf(elsewhere as never)).toMatchObject({ reason: "CREDENTIAL_INVALID" });
    await expect
      .poll(
        async () => (await operator.getCredential({ credential: here.credential!.id })).credential?.useTime,
        { timeout: 20_000 },
      )
      .toBeDefined();
  });
});
