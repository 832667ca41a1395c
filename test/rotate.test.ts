import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { createClient } from "@connectrpc/connect";
import { connect, describeSteps, trustedKeys, verifyLogGrowth } from "@wellapi/client";
import { type Company, companyAt, enrolCompany } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { beforeRevocations, openScene } from "./restore-scene.ts";

const main = fileURLToPath(import.meta.resolve("@wellapi/cli/main"));

// As docs/operations.md says, with real processes; each step on what the one before it left.
describe("every key can be replaced", () => {
  const folder = temporaryFolder();
  const dataDir = join(folder.path, "data");
  let server: Server | undefined;
  let operatorKey = "";
  let scene: Awaited<ReturnType<typeof openScene>>;
  let pinned = "";
  let early = "";

  async function ok(...parameters: string[]): Promise<string> {
    const child = spawn(process.execPath, [main, ...parameters], {
      env: { ...process.env, WELLAPI_DATA_DIR: dataDir, WELLAPI_API_KEY: operatorKey },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [out, err, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "exit"),
    ]);
    expect(`${code} ${err}`, parameters.join(" ")).toMatch(/^0/);
    return out.trim();
  }

  async function start(env: Record<string, string> = {}): Promise<Server> {
    server = await startServer({ dataDir, env });
    return server;
  }

  async function stop(): Promise<void> {
    expect(await server?.stop()).toBe(0);
    server = undefined;
  }

  const audit = () => createClient(AuditService, connect({ url: server!.http }));

  beforeAll(async () => {
    operatorKey = (await start()).operatorKey!;
    scene = await openScene(server!);
    const { checkpoint, verifierKey } = await audit().getCheckpoint({});
    [early, pinned] = [checkpoint, verifierKey];
  });
  afterAll(async () => {
    await server?.stop();
    folder.remove();
  });

  test("that of tokens, while it runs: what is dropped is told, and calls go on", async () => {
    const out = await ok("signing-key", "rotate", "--now", "--url", server!.http);
    expect(out).toMatch(/^\S+ signs from .*\n\S+ verifies nothing any more/);
    // Tokens that were made from credentials before are refused until they are made again, for seconds.
    await expect
      .poll(() => scene.look(server!), { interval: 1_000, timeout: 60_000 })
      .toEqual(beforeRevocations);
  });

  test("the master key and the log's: data, credentials and proofs of before go on", async () => {
    await stop();
    cpSync(join(dataDir, "keys", "master.key"), join(folder.path, "before.key"));
    expect(await ok("master-key", "rotate")).toMatch(
      /master key 1 wraps now; 6 keys of patients were wrapped anew/,
    );
    await start({ WELLAPI_ROTATE_LOG_KEY: pinned.split("+")[1]! });
    expect(await scene.look(server!)).toEqual(beforeRevocations);
    const grown = await verifyLogGrowth(audit(), early, pinned);
    expect(grown.to).toBeGreaterThan(grown.from);
    const keys = await trustedKeys(audit(), pinned);
    expect(describeSteps(keys).join("\n")).toMatch(
      /the log's key was replaced at .*\n! pin the key that signs now/,
    );
  });

  test("the master key of before is retired, after which it opens nothing", async () => {
    await stop();
    expect(await ok("master-key", "retire")).toMatch(/master key 0 is retired/);
    await start();
    expect(await scene.look(server!)).toEqual(beforeRevocations);
    await verifyLogGrowth(audit(), early, pinned);
    await stop();
    const masterKey = join(dataDir, "keys", "master.key");
    cpSync(masterKey, join(folder.path, "after.key"));
    cpSync(join(folder.path, "before.key"), masterKey);
    await expect(start()).rejects.toThrow("ended with code 1");
    cpSync(join(folder.path, "after.key"), masterKey);
  });

  test("identity's authority: companies go on under either root, then under the new one only", async () => {
    await start();
    const calls = (company: Company) =>
      createClient(ConsentService, companyAt(server!, company).transport).listConsents({});
    const old = await enrolCompany({ ...server!, operatorKey }, "Under the first root");
    await stop();
    await start({ WELLAPI_AUTHORITIES: "1,2" });
    await calls(old);
    const young = await enrolCompany({ ...server!, operatorKey }, "Under the second root");
    await calls(young);
    await stop();
    await start({ WELLAPI_AUTHORITIES: "2" });
    await calls(young);
    await expect(calls(old)).rejects.toThrow();
    // It knows the door's new root only once it has taken it from a certificate of its own.
    const { ca } = young.certificate;
    await expect(calls({ ...old, certificate: { ...old.certificate, ca } })).rejects.toThrow();
    await stop();
    await start();
    await calls(young);
  });
}, 180_000);
