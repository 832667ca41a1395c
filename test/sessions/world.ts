/** A mesh with two replicas of records and of consent, and what stands between its processes. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Server } from "@wellapi/demo/server";
import { type Member, type Mesh, openMesh, parseMeshConfig } from "@wellapi/host/mesh-launcher";
import { createClosers, createLogger, freePorts } from "@wellapi/runtime";
import type { Tool } from "../../scripts/tools.ts";
import { openRelay, type Relay } from "./relay.ts";
import { openToxiproxy, type Passage } from "./toxiproxy.ts";

export const replicas = [1, 2] as const;
export type Replica = (typeof replicas)[number];

export interface World {
  readonly mesh: Mesh;
  readonly server: Server;
  /** From a replica of records to one of consent. */
  between(records: Replica, consent: Replica): Passage;
  /** The address of a replica of records for those who call records by its name. */
  inFrontOf(records: Replica): Relay;
  /** Settings of a member at its next starts, beside its usual ones. */
  settings(member: string, env: Readonly<Record<string, string>>): void;
  /** SIGKILL, and a start with what `settings` says now. */
  restart(service: "records" | "consent", replica: Replica): Promise<void>;
  close(): Promise<void>;
}

const consentsPorts = replicas.flatMap((records) => replicas.map((consent) => [records, consent] as const));
/** The name that clients of records call, as they would a headless service. */
const recordsName = "records.sessions.test";
const recordsAddresses = ["127.0.0.11", "127.0.0.12"] as const;
const preload = fileURLToPath(new URL("names.preload.ts", import.meta.url));

export async function openWorld(toxiproxyTool: Tool): Promise<World> {
  const closers = createClosers();
  return closers.guard(async () => {
    const folder = mkdtempSync(join(tmpdir(), "wellapi-sessions-"));
    closers.push("folder", () => rmSync(folder, { recursive: true, force: true }));
    const names = join(folder, "names.json");
    writeFileSync(names, JSON.stringify({ [recordsName]: recordsAddresses }));
    const toxiproxy = await openToxiproxy(toxiproxyTool);
    closers.push("toxiproxy", toxiproxy.close);
    const free = await freePorts(consentsPorts.length + 1);
    const namePort = free.at(-1)!;
    const passages = new Map<string, Passage>();
    const relays: Relay[] = [];
    closers.push("relays", async () => {
      await Promise.all(relays.map((relay) => relay.close()));
    });
    const more = new Map<string, Readonly<Record<string, string>>>();

    /** Once, by the first that starts: the ports are the same for all. */
    let standing: Promise<void> | undefined;
    async function stand(peers: string): Promise<void> {
      const at = (service: string) => peersOf(peers, service);
      for (const [i, [records, consent]] of consentsPorts.entries()) {
        const name = `records-${records}-consent-${consent}`;
        const upstream = at("consent")[consent - 1]!;
        passages.set(name, await toxiproxy.passage(name, `127.0.0.1:${free[i]}`, upstream));
      }
      for (const [i, address] of recordsAddresses.entries()) {
        relays.push(await openRelay(address, namePort, at("records")[i]!));
      }
    }

    /** Records calls consent through a passage each; everybody calls records by name. */
    function peersFor({ service, replica }: Member, peers: string): string {
      const others = peers.split(",").filter((one) => {
        return !one.startsWith("records=") && !(service === "records" && one.startsWith("consent="));
      });
      const consents = consentsPorts.flatMap(([records], i) =>
        service === "records" && records === replica ? [`consent=127.0.0.1:${free[i]}`] : [],
      );
      return [...others, ...consents, `records=${recordsName}:${namePort}`].join(",");
    }

    const env = {
      ...process.env,
      WELLAPI_DATA_DIR: folder,
      WELLAPI_MASTER_KEY_FILE: join(folder, "keys", "master.key"),
      WELLAPI_HOST: "127.0.0.1",
      WELLAPI_GRPC_PORT: "0",
      WELLAPI_HTTP_PORT: "0",
      WELLAPI_PROFILE: "sandbox",
      WELLAPI_LOG_LEVEL: "fatal",
      WELLAPI_DRAIN_MS: "500",
      WELLAPI_REPLICAS: "records=2,consent=2",
    };
    const log = createLogger({ name: "mesh", env });
    const mesh = await openMesh(parseMeshConfig(env), env, log, async (member, usual) => {
      standing ??= stand(usual.WELLAPI_PEERS!);
      await standing;
      return {
        ...usual,
        WELLAPI_PEERS: peersFor(member, usual.WELLAPI_PEERS!),
        WELLAPI_TEST_NAMES: names,
        NODE_OPTIONS: `--import ${preload}`,
        ...more.get(member.name),
      };
    });
    closers.push("mesh", mesh.close);
    const { grpcUrl: grpc, httpUrl: http, dataDir, authority, operatorKey } = mesh;
    return {
      mesh,
      server: { grpc, http, dataDir, authority, operatorKey } as Server,
      between: (records, consent) => passages.get(`records-${records}-consent-${consent}`)!,
      inFrontOf: (records) => relays[records - 1]!,
      settings: (member, settings) => void more.set(member, settings),
      async restart(service, replica) {
        await mesh.kill(service, replica);
        await mesh.start(service, replica);
      },
      close: () => closers.closeAll(),
    };
  });
}

function peersOf(peers: string, service: string): string[] {
  return peers
    .split(",")
    .filter((one) => one.startsWith(`${service}=`))
    .map((one) => one.slice(service.length + 1));
}

/** `--import` of a file beside those that a member loads anyway. */
export function preloading(file: URL): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: `--import ${preload} --import ${fileURLToPath(file)}` };
}
