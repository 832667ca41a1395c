import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { createClient } from "@connectrpc/connect";
import { connect } from "@wellapi/client";
import { enrolCompany } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { afterEach, describe, expect, test } from "vitest";

const main = fileURLToPath(import.meta.resolve("@wellapi/cli/main"));

/** Runs `wellapi start` to its end and returns what an operator sees. */
async function startToEnd(env: Record<string, string>): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, [main, "start"], {
    env: { ...process.env, WELLAPI_GRPC_PORT: "0", WELLAPI_HTTP_PORT: "0", ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  return { code: code as number | null, stderr };
}

describe("wellapi start", () => {
  const folders: Array<{ path: string; remove(): void }> = [];
  const servers: Server[] = [];
  const newFolder = () => {
    const folder = temporaryFolder();
    folders.push(folder);
    return folder.path;
  };
  const start = async (dataDir: string, env?: Record<string, string>) => {
    const server = await startServer({ dataDir, ...(env ? { env } : {}) });
    servers.push(server);
    return server;
  };

  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
    for (const folder of folders.splice(0)) folder.remove();
  });

  test("prints the operator's key at the first start only, and what was created survives a restart", async () => {
    const dataDir = newFolder();
    const first = await start(dataDir);
    expect(first.operatorKey).toMatch(/^wellapi_sk_/);
    const company = await enrolCompany(first, "Survivor", "survivor");
    expect(await first.stop()).toBe(0);

    const second = await start(dataDir);
    expect(second.operatorKey).toBeUndefined();
    const again = await enrolCompany({ ...second, operatorKey: first.operatorKey! }, "Survivor", "survivor");
    expect(again.organization).toBe(company.organization);
  });

  test("a second start on the same data says so in one line and exits non-zero", async () => {
    const dataDir = newFolder();
    await start(dataDir);
    const { code, stderr } = await startToEnd({ WELLAPI_DATA_DIR: dataDir });
    expect(code).toBe(1);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toContain(dataDir);
    expect(stderr).toMatch(/another|in use|already/);
  });

  test.each(["WELLAPI_GRPC_PORT", "WELLAPI_HTTP_PORT"])(
    "a taken port (%s) says so in one line",
    async (setting) => {
      const taken = createServer().listen(0, "127.0.0.1");
      await once(taken, "listening");
      const { port } = taken.address() as { port: number };
      const { code, stderr } = await startToEnd({ WELLAPI_DATA_DIR: newFolder(), [setting]: String(port) });
      taken.close();
      expect(code).toBe(1);
      expect(stderr.trim().split("\n")).toHaveLength(1);
      expect(stderr).toContain(String(port));
      expect(stderr).toContain(setting);
    },
  );

  test("names every bad setting at once", async () => {
    const { code, stderr } = await startToEnd({
      WELLAPI_DATA_DIR: newFolder(),
      WELLAPI_GRPC_PORT: "http",
      WELLAPI_HTTP_PORT: "70000",
      WELLAPI_PROFILE: "playground",
    });
    expect(code).toBe(1);
    for (const name of ["WELLAPI_GRPC_PORT", "WELLAPI_HTTP_PORT", "WELLAPI_PROFILE"])
      expect(stderr).toContain(name);
  });

  test("GET /healthz answers, and the log's tiles are served", async () => {
    const server = await start(newFolder());
    const health = await fetch(`${server.http}/healthz`);
    expect(health.status).toBe(200);
    await enrolCompany(server, "Logged");
    const audit = createClient(AuditService, connect({ url: server.http }));
    await expect
      .poll(async () => Number((await audit.getCheckpoint({})).checkpoint.split("\n")[1]), {
        timeout: 15_000,
      })
      .toBeGreaterThan(0);
    const checkpoint = await fetch(`${server.http}/log/checkpoint`);
    expect(checkpoint.status).toBe(200);
    const size = Number((await checkpoint.text()).split("\n")[1]);
    const tile = await fetch(`${server.http}/log/tile/0/000.p/${size}`);
    expect(tile.status).toBe(200);
    expect((await tile.arrayBuffer()).byteLength).toBe(size * 32);
  });
});
