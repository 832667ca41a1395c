import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTools, ToolsError } from "../../../scripts/tools.ts";
import { createAuthority } from "../../rpc/test/certificates.ts";
import { openMongoStore } from "../src/index.ts";
import { type MongoServer, startServer } from "./mongo-server.ts";
import { databaseName } from "./mongo-under-test.ts";
import { contractCollections, insert, note } from "./notes.ts";

async function canBeHad(): Promise<boolean> {
  try {
    await openTools(["mongo"]);
    return true;
  } catch (error) {
    if (!(error instanceof ToolsError) || process.env.CI) throw error;
    process.stderr.write(`\nSKIPPED: MongoDB over TLS was not tested: ${error.message}\n\n`);
    return false;
  }
}
const able = await canBeHad();

/** The settings are those of the URI that a Secret holds (deploy/README.md): nothing of it is the store's own. */
describe.skipIf(!able)("MongoDB over TLS, with certificates on both sides", () => {
  let folder: string;
  let server: MongoServer;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "wellapi-mongo-tls-"));
    const [authority, stranger] = [await createAuthority("test"), await createAuthority("stranger")];
    const own = await authority.issue({ name: "server" });
    const client = await authority.issue({ name: "client" });
    await writeFile(join(folder, "ca.pem"), authority.certificate);
    await writeFile(join(folder, "stranger.pem"), stranger.certificate);
    await writeFile(join(folder, "server.pem"), own.certificate);
    await writeFile(join(folder, "server.key"), own.privateKey);
    await writeFile(join(folder, "client.pem"), `${client.certificate}\n${client.privateKey}`);
    server = await startServer([
      ...["--tls-cert-file", join(folder, "server.pem"), "--tls-key-file", join(folder, "server.key")],
      ...["--tls-ca-file", join(folder, "ca.pem"), "--tls-require-client-cert"],
    ]);
  });
  afterAll(async () => {
    await server?.stop();
    await rm(folder, { recursive: true });
  });

  const open = (settings: string, more: { timeoutMs?: number } = {}) =>
    openMongoStore({
      uri: `${server.uri}${settings}`,
      database: databaseName(),
      collections: contractCollections,
      ...more,
    });
  const trusted = () => `&tls=true&tlsCAFile=${join(folder, "ca.pem")}`;
  const known = () => `&tlsCertificateKeyFile=${join(folder, "client.pem")}`;

  test("commits and reads", async () => {
    const store = await open(trusted() + known());
    try {
      await insert(store, note("a"));
      expect((await store.get("note", ["eu/p1", "a"]))?.document).toMatchObject({ id: "a" });
    } finally {
      await store.close();
    }
  });

  test.concurrent.each([
    ["in plain text", () => ""],
    ["of another authority", () => `&tls=true&tlsCAFile=${join(folder, "stranger.pem")}${known()}`],
    ["without a certificate of its own", () => trusted()],
  ])("a connection %s is none", async (_name, settings) => {
    await expect(open(settings(), { timeoutMs: 1_500 })).rejects.toMatchObject({
      name: "StoreError",
      code: "unavailable",
    });
  });

  test.each(["tlsCAFile", "tlsCertificateKeyFile"])("a %s that is not there is named", async (setting) => {
    const missing = join(folder, "missing.pem");
    await expect(open(`&tls=true&${setting}=${missing}`)).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringContaining(missing),
    });
  });
});
