import { cp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { connect, trustedKeys, verifyLogGrowth } from "@wellapi/client";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { afterAll, describe, expect, test } from "vitest";
import { type MongoServer, openMongoServer } from "../packages/store/test/mongo-server.ts";
import { openTools, ToolsError } from "../scripts/tools.ts";
import { beforeRevocations, openScene } from "./restore-scene.ts";

/** MongoDB's stand-in, whose files are copied; a server that was given has no files here. A laptop skips, and says so. */
async function ownMongo(): Promise<MongoServer | undefined> {
  try {
    await openTools(["mongo", "nats"]);
  } catch (error) {
    if (!(error instanceof ToolsError) || process.env.CI) throw error;
    process.stderr.write(`\nSKIPPED: a restore of a mesh was not tested: ${error.message}\n\n`);
    return undefined;
  }
  const server = await openMongoServer();
  if (server?.own) return server;
  process.stderr.write(
    "\nSKIPPED: a restore of a mesh was not tested: WELLAPI_MONGODB_URI has no files to copy\n\n",
  );
  return undefined;
}
const mongo = await ownMongo();

describe.skipIf(!mongo)("a mesh whose MongoDB is restored from a backup", () => {
  const folder = temporaryFolder();
  const path = (...names: string[]) => join(folder.path, ...names);
  const { own } = mongo ?? {};
  let server: Server | undefined;

  async function start(env: Record<string, string> = {}): Promise<Server> {
    server = await startServer({
      dataDir: path("data"),
      target: "mesh",
      env: { WELLAPI_MONGODB_URI: mongo!.uri, WELLAPI_JOURNAL_DIR: path("journal"), ...env },
      logFile: path("log"),
    });
    return server;
  }
  async function stop(): Promise<void> {
    await server?.stop();
    server = undefined;
  }
  const audit = ({ http }: Server) => createClient(AuditService, connect({ url: http }));

  /** The log's head once all leaves of the calls so far are in it. */
  async function settled(): Promise<string> {
    let last = "";
    const again = async () => {
      const before = last;
      last = (await audit(server!).getCheckpoint({})).checkpoint;
      return last === before;
    };
    await expect.poll(again, { interval: 800, timeout: 20_000 }).toBe(true);
    return last;
  }
  const sizeOf = (checkpoint: string) => checkpoint.split("\n")[1]!;

  afterAll(async () => {
    await stop();
    await mongo?.stop();
    folder.remove();
  });

  test("refuses to go on with the log, or without the journal; then nothing that was revoked or erased is back", async () => {
    const scene = await openScene(await start());
    expect(await scene.look(server!)).toEqual(beforeRevocations);
    const early = await settled();
    const { verifierKey } = await audit(server!).getCheckpoint({});
    // As a snapshot of a volume is: of a server that was stopped at any moment.
    await own!.kill();
    await cp(own!.folder, path("backup"), { recursive: true });
    await own!.start();
    const again = () => scene.look(server!).catch(String);
    await expect.poll(again, { timeout: 60_000 }).toEqual(beforeRevocations);
    await scene.revoke();
    expect(await scene.look(server!)).toMatchObject({
      ada: "CONSENT_REQUIRED",
      credential: "Unauthenticated",
    });
    const late = await settled();
    await stop();

    await own!.kill();
    await rm(own!.folder, { recursive: true });
    await cp(path("backup"), own!.folder, { recursive: true });
    await own!.start();
    const accepted = { WELLAPI_ACCEPT_LOG_BREAK: `wellapi.local/log:${sizeOf(late)}@${sizeOf(early)}` };

    await rename(path("journal"), path("journal-away"));
    await expect(start(accepted)).rejects.toThrow("ended with code 1");
    expect(await readFile(path("log"), "utf8")).toMatch(/put back the journal that belongs to this data/);
    await rm(path("journal"), { recursive: true });
    await rename(path("journal-away"), path("journal"));

    await start(accepted);
    expect(await scene.look(server!)).toEqual({
      cleo: beforeRevocations.cleo,
      ada: "CONSENT_REQUIRED",
      bob: "CONSENT_REQUIRED",
      credential: "Unauthenticated",
      orders: { cleo: beforeRevocations.orders.cleo, bob: "CONSENT_REQUIRED" },
    });
    expect(await verifyLogGrowth(audit(server!), early, verifierKey)).toMatchObject({
      from: Number(sizeOf(early)),
    });
    await expect(verifyLogGrowth(audit(server!), late, verifierKey)).rejects.toMatchObject({ code: "break" });
    expect((await trustedKeys(audit(server!), verifierKey)).steps).toHaveLength(1);
  }, 240_000);
});
