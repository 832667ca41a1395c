import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Closers, type Env, freePorts } from "@wellapi/runtime";
import { openWheels } from "@wellapi/tools";
import { startServer } from "./child.ts";
import { listens } from "./listens.ts";

export interface Servers {
  readonly mongodbUri: string;
  readonly natsUrl: string;
}

const stopMs = 10_000;

/**
 * MongoDB and NATS: the servers that `WELLAPI_MONGODB_URI` and `WELLAPI_NATS_URL` name, else servers that this
 * launcher starts on loopback, with their data below `folder`. Throws ToolsError if they cannot be installed.
 */
export async function openServers(options: {
  readonly folder: string;
  readonly env: Env;
  readonly closers: Closers;
  /** Called when a server that was started here ends. */
  readonly onStarted: (child: ReturnType<typeof startServer>) => void;
}): Promise<Servers> {
  const { folder, env, closers, onStarted } = options;
  const given = { mongo: env.WELLAPI_MONGODB_URI, nats: env.WELLAPI_NATS_URL };
  const wanted = (["mongo", "nats"] as const).filter((name) => !given[name]);
  const tools = await openWheels(wanted);
  const [mongoPort, natsPort] = (await freePorts(2)) as [number, number];

  async function start(
    name: "mongo" | "nats",
    port: number,
    args: (data: string) => string[],
  ): Promise<void> {
    const data = join(folder, name === "mongo" ? "mongodb" : name);
    mkdirSync(data, { recursive: true, mode: 0o700 });
    const { command, args: first } = tools[name];
    const child = startServer({
      name,
      command,
      args: [...first, ...args(data)],
      cwd: data, // A folder without a configuration file of this machine.
      stderr: "ignore",
    });
    closers.push(name, () => child.stop(stopMs));
    await listens(child, port, `another mesh may run on ${folder}, or ${data} cannot be used`);
    onStarted(child);
  }

  const starting: Promise<void>[] = [];
  if (!given.mongo) {
    starting.push(
      start("mongo", mongoPort, (data) => [
        "--port",
        String(mongoPort),
        "--storage-path",
        data,
        "--sync-on-commit",
      ]),
    );
  }
  if (!given.nats) {
    starting.push(
      start("nats", natsPort, (data) => {
        const file = join(data, "nats.conf");
        writeFileSync(file, natsConfiguration(natsPort, join(data, "jetstream")));
        return ["-c", file];
      }),
    );
  }
  await Promise.all(starting);
  return {
    mongodbUri: given.mongo ?? `mongodb://127.0.0.1:${mongoPort}/?directConnection=true`,
    natsUrl: given.nats ?? `nats://127.0.0.1:${natsPort}`,
  };
}

/** With `sync_interval: always` an acknowledgement means "on disk". */
function natsConfiguration(port: number, folder: string): string {
  return [
    `listen: "127.0.0.1:${port}"`,
    `jetstream { store_dir: ${JSON.stringify(folder)}, sync_interval: always }`,
    "",
  ].join("\n");
}
