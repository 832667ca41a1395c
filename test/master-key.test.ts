/** Where an exchange keeps its master key: apart from the data, so that a copied data folder opens nothing. */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { connect } from "@wellapi/client";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import {
  type Exchange,
  moveMasterKey,
  openExchange,
  parseExchangeConfig,
  runBackup,
  runCheck,
  runRestore,
} from "@wellapi/host";
import { createLogger } from "@wellapi/runtime";
import { afterEach, describe, expect, test } from "vitest";

type Env = Record<string, string>;

describe("an exchange", () => {
  const folders: string[] = [];
  const open: Exchange[] = [];
  afterEach(async () => {
    for (const exchange of open.splice(0)) await exchange.close();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });

  function newFolder() {
    const folder = mkdtempSync(join(tmpdir(), "wellapi-key-"));
    folders.push(folder);
    const env: Env = {
      WELLAPI_DATA_DIR: join(folder, "data"),
      WELLAPI_JOURNAL_DIR: join(folder, "journal"),
      XDG_CONFIG_HOME: join(folder, "config"),
      WELLAPI_GRPC_PORT: "0",
      WELLAPI_HTTP_PORT: "0",
    };
    return { folder, env };
  }

  async function start(env: Env, lines: Array<Record<string, unknown>> = []): Promise<Exchange> {
    const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
    const log = createLogger({ name: "test", env: { WELLAPI_LOG_LEVEL: "warn" }, destination });
    const exchange = await openExchange(parseExchangeConfig(env), log);
    open.push(exchange);
    return exchange;
  }

  async function stop(): Promise<void> {
    await open.pop()!.close();
  }

  /** What only whoever has the data and its key can do. */
  async function organizationsOf({ httpUrl }: Exchange, apiKey: string): Promise<number> {
    const client = createClient(OrganizationService, connect({ url: httpUrl, apiKey }));
    return (await client.listOrganizations({})).organizations.length;
  }

  function filesBelow(folder: string): readonly string[] {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
  }

  const keyOf = ({ XDG_CONFIG_HOME: config }: Env) => {
    const found = filesBelow(config!).filter((path) => path.endsWith("/master.key"));
    expect(found).toHaveLength(1);
    return readFileSync(found[0]!);
  };
  const holding = (folder: string, key: Buffer) =>
    filesBelow(folder).filter((path) => readFileSync(path).includes(key.subarray(0, 32)));

  test("keeps it in the user's configuration folder: a copied data folder opens nothing", async () => {
    const { folder, env } = newFolder();
    const lines: Array<Record<string, unknown>> = [];
    const { operatorKey } = await start(env, lines);
    const key = keyOf(env);
    expect(holding(join(folder, "data"), key)).toEqual([]);
    expect(holding(join(folder, "journal"), key)).toEqual([]);
    expect(lines.filter(({ reason }) => reason === "MASTER_KEY_IN_DATA")).toEqual([]);
    await stop();

    const thief = newFolder();
    cpSync(env.WELLAPI_DATA_DIR!, thief.env.WELLAPI_DATA_DIR!, { recursive: true });
    cpSync(env.WELLAPI_JOURNAL_DIR!, thief.env.WELLAPI_JOURNAL_DIR!, { recursive: true });
    await expect(start(thief.env)).rejects.toMatchObject({
      code: "keys_missing",
      message: expect.stringContaining("master.key"),
    });
    // Not even with a key of their own.
    const theirs = { ...thief.env, WELLAPI_MASTER_KEY_FILE: join(thief.folder, "own.key") };
    writeFileSync(theirs.WELLAPI_MASTER_KEY_FILE, Buffer.alloc(32, 7), { mode: 0o600 });
    await expect(start(theirs)).rejects.toThrow(/not the one that wrapped/);

    expect(await organizationsOf(await start(env), operatorKey!)).toBe(0);
  }, 120_000);

  test("backs neither the key up nor anything that opens without it; a restore here finds it again", async () => {
    const { folder, env } = newFolder();
    const { operatorKey } = await start(env);
    const key = keyOf(env);
    const [data, keys] = [join(folder, "backup"), join(folder, "key-backup")];
    await runBackup({ env, folder: data, content: "data" });
    await runBackup({ env, folder: keys, content: "keys" });
    expect([...holding(data, key), ...holding(keys, key)]).toEqual([]);
    await stop();
    await runBackup({ env, folder: `${data}-stopped`, content: "data" });
    expect(holding(`${data}-stopped`, key)).toEqual([]);

    renameSync(env.WELLAPI_DATA_DIR!, join(folder, "lost"));
    await runRestore({ env, folder: data });
    const { masterKey } = await runRestore({ env, folder: keys });
    expect(readFileSync(masterKey)).toEqual(key);
    expect(await organizationsOf(await start(env), operatorKey!)).toBe(0);
  }, 120_000);

  test("of the version before starts as it was, warns once, and is moved by one command", async () => {
    const { folder, env } = newFolder();
    const dataDir = env.WELLAPI_DATA_DIR!;
    const inFolder = join(dataDir, "keys", "master.key");
    const { operatorKey, verifierKey } = await start({ ...env, WELLAPI_MASTER_KEY_FILE: inFolder });
    await stop();
    rmSync(join(dataDir, "installation-id"));

    const lines: Array<Record<string, unknown>> = [];
    await start(env, lines);
    const warnings = lines.filter(({ reason }) => reason === "MASTER_KEY_IN_DATA");
    expect(warnings.map(({ msg }) => msg)).toEqual([expect.stringContaining("run: wellapi master-key move")]);
    await expect(moveMasterKey({ env })).rejects.toMatchObject({ code: "data_in_use" });
    expect(existsSync(inFolder)).toBe(true);
    await stop();

    const key = readFileSync(inFolder);
    await moveMasterKey({ env });
    expect(holding(dataDir, key)).toEqual([]);
    expect(keyOf(env)).toEqual(key);
    const after: Array<Record<string, unknown>> = [];
    const exchange = await start(env, after);
    expect([exchange.verifierKey, exchange.operatorKey]).toEqual([verifierKey, undefined]);
    expect(await organizationsOf(exchange, operatorKey!)).toBe(0);
    expect(after.filter(({ reason }) => reason === "MASTER_KEY_IN_DATA")).toEqual([]);
    await stop();
    const report = await runCheck({ env, onFinding: ({ what }) => expect(what).toBe("no finding") });
    expect(report.findings).toBe(0);
    expect(holding(folder, key)).toHaveLength(1);
  }, 120_000);

  test("opens a sealed key with its passphrase alone", async () => {
    const { folder, env } = newFolder();
    const passphraseFile = join(folder, "passphrase");
    writeFileSync(passphraseFile, "six words that nobody ever guesses\n", { mode: 0o600 });
    const sealing = { ...env, WELLAPI_MASTER_PASSPHRASE_FILE: passphraseFile };
    const { operatorKey } = await start(sealing);
    expect(keyOf(env).toString()).toMatch(/^\{"format":"wellapi-sealed-key\/1","kdf":\{"name":"scrypt"/);
    await stop();
    await expect(start(env)).rejects.toMatchObject({
      code: "master_key",
      message: expect.stringContaining("WELLAPI_MASTER_PASSPHRASE_FILE"),
    });
    expect(await organizationsOf(await start(sealing), operatorKey!)).toBe(0);
  }, 120_000);
});
