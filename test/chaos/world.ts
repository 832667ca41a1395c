import { join } from "node:path";
import { createClient, type Transport } from "@connectrpc/connect";
import { grant } from "@wellapi/demo/consents";
import { enrolCompany, enrolPerson, type Person } from "@wellapi/demo/people";
import type { Server } from "@wellapi/demo/server";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type Member, type Mesh, openMesh, parseMeshConfig } from "@wellapi/host/mesh-launcher";
import { createLogger, freePorts } from "@wellapi/runtime";
import { openRelay, type Relay } from "../../packages/rpc/test/relay.ts";
import type { Tool } from "../../scripts/tools.ts";
import { openDoor } from "./clients.ts";
import { forgettable } from "./faults/forgotten.ts";
import { createMongo, createNats, createToxiproxy, type Foundation } from "./foundation.ts";
import { createLinks, type Link, type Links } from "./links.ts";

/** A company with its own connection through a link. */
export interface Client {
  readonly organization: string;
  readonly transport: Transport;
}

export interface Patient {
  readonly name: string;
  readonly person: Person;
  /** Their id at each maker, in the order of `World.makers`. */
  readonly atMakers: readonly string[];
  readonly atClinic: string;
  readonly atVisitor: string;
}

/** A mesh of real processes under load, and everything in it that can be broken. */
export interface World {
  readonly mesh: Mesh;
  /** Holds `data`, `mongodb` and `nats`. */
  readonly folder: string;
  readonly mongo: Foundation;
  readonly nats: Foundation;
  readonly links: Links;
  /** On the links that can be forgotten, behind toxiproxy. */
  readonly relays: ReadonlyMap<Link, Relay>;
  /** Settings that a member gets at its next start, beside the usual ones. */
  readonly extra: Map<string, Readonly<Record<string, string>>>;
  readonly makers: readonly Client[];
  /** Reads and watches every patient. */
  readonly clinic: Client;
  /** Is granted and refused in turn. */
  readonly visitor: Client;
  readonly patients: readonly Patient[];
  /** Nobody loads this one: for the write that shows that a fault is over. */
  readonly probed: Patient;
  close(): Promise<void>;
}

export interface WorldTools {
  readonly mongo: Tool;
  readonly nats: Tool;
  readonly toxiproxy: Tool;
}

const patientNames = ["Ada", "Ben"];

export async function openWorld(tools: WorldTools, folder: string): Promise<World> {
  const closing: (() => Promise<void> | void)[] = [];
  const close = async () => {
    for (const end of closing.splice(0).reverse()) await end();
  };
  try {
    return { ...(await open(tools, folder, closing)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function open(
  tools: WorldTools,
  folder: string,
  closing: (() => Promise<void> | void)[],
): Promise<Omit<World, "close">> {
  const [mongoPort, natsPort, toxiproxyPort, grpcPort, httpPort] = (await freePorts(5)) as Five;
  const mongo = createMongo(tools.mongo, join(folder, "mongodb"), mongoPort);
  const nats = createNats(tools.nats, join(folder, "nats"), natsPort);
  const toxiproxy = createToxiproxy(tools.toxiproxy, join(folder, "toxiproxy"), toxiproxyPort);
  for (const foundation of [mongo, nats, toxiproxy]) {
    closing.push(() => foundation.kill());
    await foundation.start();
  }
  const links = createLinks(toxiproxyPort);
  const extra: World["extra"] = new Map();
  const relays = new Map<Link, Relay>();
  closing.push(() => {
    for (const relay of relays.values()) relay.close();
  });

  const env = {
    ...process.env,
    WELLAPI_DATA_DIR: join(folder, "data"),
    WELLAPI_MASTER_KEY_FILE: join(folder, "master.key"),
    WELLAPI_HOST: "127.0.0.1",
    WELLAPI_GRPC_PORT: String(grpcPort),
    WELLAPI_HTTP_PORT: String(httpPort),
    WELLAPI_PROFILE: "sandbox",
    WELLAPI_LOG_LEVEL: process.env.WELLAPI_LOG_LEVEL ?? "silent",
    WELLAPI_DRAIN_MS: "1000",
    // Blocks are merged while things break, half an hour early.
    WELLAPI_COMPACT_AFTER_MS: "10000",
    WELLAPI_MONGODB_URI: `mongodb://127.0.0.1:${mongoPort}/?directConnection=true`,
    WELLAPI_NATS_URL: `nats://127.0.0.1:${natsPort}`,
  };

  /** Every call to another process goes through a link of the two. */
  async function linked({ name }: Member, usual: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
    const through = async (to: string, upstream: string) => {
      const link: Link = `${name}>${to}`;
      if (isForgettable(link) && !relays.has(link)) relays.set(link, await openRelay(upstream));
      return links.through(link, relays.get(link)?.address ?? upstream);
    };
    const peers = (usual.WELLAPI_PEERS ?? "").split(",").map(async (peer) => {
      const [service, address] = peer.split("=") as [string, string];
      return `${service}=${await through(service, address)}`;
    });
    return {
      ...usual,
      WELLAPI_PEERS: (await Promise.all(peers)).join(","),
      WELLAPI_MONGODB_URI: `mongodb://${await through("mongo", `127.0.0.1:${mongoPort}`)}/?directConnection=true`,
      WELLAPI_NATS_URL: `nats://${await through("nats", `127.0.0.1:${natsPort}`)}`,
      WELLAPI_WORKLOAD_RELOAD_MS: "250",
      ...extra.get(name),
    };
  }

  const mesh = await openMesh(parseMeshConfig(env), env, createLogger({ name: "mesh", env }), linked);
  closing.push(() => mesh.close());
  const { grpcUrl: grpc, httpUrl: http, dataDir, authority } = mesh;
  const server = { grpc, http, dataDir, authority, operatorKey: mesh.operatorKey! } as Server;

  async function client(name: string): Promise<Client> {
    const company = await enrolCompany(server, name);
    const link: Link = `${name}>gateway`;
    const address = await links.through(link, `127.0.0.1:${grpcPort}`);
    const door = openDoor(address.replace("127.0.0.1", "localhost"), company);
    closing.push(door.close);
    return { organization: company.organization, transport: door };
  }
  const makers = [await client("maker-1"), await client("maker-2")];
  const clinic = await client("clinic");
  const visitor = await client("visitor");
  const patients: Patient[] = [];
  for (const name of [...patientNames, "Probed"]) {
    const person = await enrolPerson(server, name);
    const at: string[] = [];
    for (const company of makers) at.push((await granted(person, company, Direction.CONTRIBUTE)).patient);
    const { patient: atClinic } = await granted(person, clinic, Direction.READ);
    const visit = await granted(person, visitor, Direction.READ);
    await createClient(ConsentService, person.transport).revokeConsent({ consent: visit.consent });
    patients.push({ name, person, atMakers: at, atClinic, atVisitor: visit.patient });
  }
  const probed = patients.pop()!;
  return { mesh, folder, mongo, nats, links, relays, extra, makers, clinic, visitor, patients, probed };
}

/** A consent to contribute, or to read, and the patient's id at the company, which it tells. */
async function granted(person: Person, company: Client, direction: Direction) {
  const theirs = createClient(ConsentService, company.transport);
  const before = new Set((await theirs.listConsents({})).consents.map(({ id }) => id));
  const consent = await grant(person, company, direction);
  const { consents } = await theirs.listConsents({});
  return { consent, patient: consents.find(({ id }) => !before.has(id))!.patient };
}

function isForgettable(link: Link): boolean {
  return (forgettable as readonly Link[]).includes(link);
}

type Five = readonly [number, number, number, number, number];
