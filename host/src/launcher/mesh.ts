import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { WorkloadFiles } from "@wellapi/rpc";
import { createClosers, type Env, freePorts, type Logger } from "@wellapi/runtime";
import { prepareDataFolder } from "../data-folder.ts";
import { HostError } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { openMasterKey, prepareMasterKey, warnOfKeyInFolder } from "../master-key/open.ts";
import type { Announcement } from "../mesh/serve.ts";
import { type ServiceName, serviceNames, services } from "../services.ts";
import { type Child, startChild } from "./child.ts";
import type { MeshConfig } from "./config.ts";
import { type Member, memberOf, membersOf } from "./members.ts";
import { createMeshAuthority } from "./mesh-authority.ts";
import { openServers } from "./servers.ts";
import { openWorkloadFolders } from "./workload-folders.ts";

/**
 * A running mesh: for its users the same as an exchange in one process. Without a replica number, the
 * first replica is meant.
 */
export interface Mesh extends Exchange {
  /** Resolves with one line if a process ends unexpectedly. Nothing is restarted automatically. */
  readonly broken: Promise<string>;
  /** Where a service listens for the others, on loopback. */
  port(service: ServiceName, replica?: number): number;
  pid(service: ServiceName, replica?: number): number;
  /** Of this member (`records`, `records-2`): signed by the mesh's authority. For tests. */
  files(member: string): WorkloadFiles;
  /** Gives this member another certificate with another lifetime: for tests in which one expires. */
  renew(member: string, lifetimeMs?: number): Promise<void>;
  /** SIGKILL. */
  kill(service: ServiceName, replica?: number): Promise<void>;
  /** SIGTERM, and SIGKILL if it does not drain in time: the exit code, or the signal's name. */
  stop(service: ServiceName, replica?: number): Promise<number | NodeJS.Signals | null>;
  /** Starts a service again that was stopped or killed, at the same addresses. */
  start(service: ServiceName, replica?: number): Promise<void>;
  /** SIGSTOP: it neither runs nor ends, and its connections stay open. */
  pause(service: ServiceName, replica?: number): void;
  /** SIGCONT. */
  resume(service: ServiceName, replica?: number): void;
}

/**
 * Gives a process other settings than `usual` at each of its starts: for tests that intercept traffic between
 * processes.
 */
export type SettingsOf = (member: Member, usual: Env) => Env | Promise<Env>;

/** One that cannot start ends, and is told of at once. A busy machine takes its time for a dozen of them. */
const startMs = 150_000;
/** Beyond the time to drain, before a process is killed. */
const lastStepsMs = 10_000;

/**
 * Starts MongoDB, NATS and one process for each service on this machine, each with its own certificate, and resolves
 * once all of them serve.
 */
export async function openMesh(
  config: MeshConfig,
  env: Env,
  log: Logger,
  settingsOf: SettingsOf = (_member, usual) => usual,
): Promise<Mesh> {
  const closers = createClosers();
  return closers.guard(async () => {
    const dataDir = resolve(config.dataDir);
    const folder = prepareDataFolder(dataDir);
    const members = membersOf(config.replicas);
    const children = new Map<string, Child>();
    const announcements = new Map<string, Announcement>();
    const expected = new Set<Child>();
    let breakDown: (line: string) => void = () => {};
    const broken = new Promise<string>((resolve) => {
      breakDown = resolve;
    });
    const watch = (child: Child): void => {
      child.ended.then((how) => {
        if (!expected.has(child)) breakDown(`${child.name} ended (${how}); the mesh ends with it`);
      });
    };

    // Its passphrase comes from a file: each process opens the key, and none of them has a terminal.
    const masterKey = await prepareMasterKey(config.masterKey, folder);
    // Made before the services, each of which would make one.
    await (await openMasterKey(masterKey)).close();
    warnOfKeyInFolder(config.masterKey, dataDir, log);
    const authority = await createMeshAuthority({
      trustDomain: config.trustDomain,
      lifetimeMs: config.certificateMs,
    });
    const workloads = await openWorkloadFolders({
      folder: join(dataDir, "workloads"),
      members: new Map(members.map(({ name, service }) => [name, service])),
      authority,
      lifetimeMs: config.certificateMs,
      log,
    });
    closers.push("workload certificates", workloads.close);
    const servers = await openServers({
      folder: dataDir,
      env,
      closers,
      onStarted: (child) => {
        closers.push(`end of ${child.name}`, () => void expected.add(child));
        watch(child);
      },
    });

    const free = await freePorts(2 * members.length + 2);
    // OAuth's issuer and passkeys are of the gateway's address, so every process has to know its port.
    const httpPort = config.httpPort || free.at(-1)!;
    const mtls = mtlsOf(config, free.at(-2)!);
    const ports = new Map(members.map(({ name }, i) => [name, free[i]!]));
    /** Of services that have HTTP surfaces. */
    const surfacing = members.filter(({ service }) => services.service(service).surfaces?.length);
    const surfacePorts = new Map(surfacing.map(({ name }, i) => [name, free[members.length + i]!]));
    const peersAt = (peers: readonly Member[], at: ReadonlyMap<string, number>): string =>
      peers.map((peer) => `${peer.service}=127.0.0.1:${at.get(peer.name)}`).join(",");
    const settings = ({ name, service }: Member): Env => {
      const files = workloads.files(name);
      return {
        ...env,
        WELLAPI_HOST: service === "gateway" ? config.host : "127.0.0.1",
        WELLAPI_PORT: String(ports.get(name)),
        WELLAPI_GRPC_PORT: String(config.grpcPort),
        WELLAPI_HTTP_PORT: String(httpPort),
        ...mtls,
        WELLAPI_PROFILE: config.profile,
        WELLAPI_TRUST_DOMAIN: config.trustDomain,
        WELLAPI_NAMESPACE: "wellapi",
        WELLAPI_SIDECAR: "none",
        WELLAPI_SURFACE_PORT: String(surfacePorts.get(name) ?? ""),
        WELLAPI_PEERS: peersAt(members, ports),
        WELLAPI_SURFACE_PEERS: peersAt(surfacing, surfacePorts),
        WELLAPI_WORKLOAD_CERT: files.certificate,
        WELLAPI_WORKLOAD_KEY: files.privateKey,
        WELLAPI_WORKLOAD_CA: files.authority,
        WELLAPI_WORKLOAD_RELOAD_MS: String(Math.min(10_000, Math.ceil(config.certificateMs / 20))),
        WELLAPI_DRAIN_MS: String(config.drainMs),
        WELLAPI_DATA_DIR: join(dataDir, name),
        WELLAPI_JOURNAL_DIR: resolve(env.WELLAPI_JOURNAL_DIR || join(dataDir, "journal")),
        ...("path" in masterKey && { WELLAPI_MASTER_KEY_FILE: masterKey.path }),
        WELLAPI_MONGODB_URI: servers.mongodbUri,
        WELLAPI_NATS_URL: servers.natsUrl,
        WELLAPI_NATS_REPLICAS: env.WELLAPI_NATS_REPLICAS ?? "1",
      };
    };

    async function start(member: Member): Promise<void> {
      const { name, service } = member;
      const child = startChild({
        name,
        command: process.execPath,
        args: [fileURLToPath(import.meta.resolve("@wellapi/cli/main")), "serve", service, "--attached"],
        env: { ...(await settingsOf(member, settings(member))) },
        stderr: "inherit",
      });
      children.set(name, child);
      announcements.set(name, await announced(child));
      watch(child);
    }

    async function stop({ name }: Member): Promise<void> {
      const child = children.get(name);
      if (!child) return;
      expected.add(child);
      const stopped = child.stop(config.drainMs + lastStepsMs);
      child.process.kill("SIGCONT"); // A paused process receives no other signal before.
      await stopped;
    }

    closers.push("services", async () => {
      // Each is drained before the next: callers before the services that they call.
      for (const service of serviceNames.toReversed()) {
        await Promise.all(members.filter((member) => member.service === service).map(stop));
      }
    });
    await Promise.all(members.map(start));

    const edge = announcements.get("gateway")!;
    return {
      grpcUrl: edge.grpc!,
      httpUrl: edge.http!,
      mtlsUrl: edge.mtls,
      origin: config.origin ?? edge.http!.replace("127.0.0.1", "localhost"),
      dataDir,
      authority: edge.authority!,
      verifierKey: edge.verifierKey!,
      // The replica that enrolled the operator has it.
      operatorKey: members
        .map(({ name }) => announcements.get(name)!.operatorKey)
        .find((key) => key !== undefined),
      // That of each replica works, until the first is used.
      operatorLink: members
        .map(({ name }) => announcements.get(name)!.operatorLink)
        .find((link) => link !== undefined),
      broken,
      port: (service, replica = 1) => ports.get(memberOf(service, replica).name)!,
      pid: (service, replica = 1) => announcements.get(memberOf(service, replica).name)!.pid,
      files: workloads.files,
      renew: workloads.renew,
      async kill(service, replica = 1) {
        const child = children.get(memberOf(service, replica).name)!;
        expected.add(child);
        child.process.kill("SIGKILL");
        await child.ended;
      },
      async stop(service, replica = 1) {
        const member = memberOf(service, replica);
        await stop(member);
        return children.get(member.name)!.ended;
      },
      start: (service, replica = 1) => start(memberOf(service, replica)),
      pause: (service, replica = 1) =>
        void children.get(memberOf(service, replica).name)!.process.kill("SIGSTOP"),
      resume: (service, replica = 1) =>
        void children.get(memberOf(service, replica).name)!.process.kill("SIGCONT"),
      close: () => closers.closeAll(),
    };
  });
}

/** Every process knows where the gateway's listener for clients with certificates is, if there is one. */
function mtlsOf({ clientCertificates: { port, origin } }: MeshConfig, free: number): Env {
  if (port === undefined) return {};
  const taken = port || free;
  return {
    WELLAPI_MTLS_PORT: String(taken),
    WELLAPI_MTLS_ORIGIN: origin ?? `https://localhost:${taken}`,
  };
}

/** The child's announcement once it serves. Throws HostError `child_ended` if it ends before. */
async function announced(child: Child): Promise<Announcement> {
  const lines = createInterface({ input: child.process.stdout! });
  let timer: NodeJS.Timeout | undefined;
  try {
    const line = await Promise.race([
      new Promise<string>((resolve) => lines.once("line", resolve)),
      child.ended.then((how) => fail(`${child.name} ended (${how}) before it served`)),
      new Promise<never>((_, reject) => {
        timer = setTimeout(
          () => reject(new HostError("child_ended", `${child.name} did not serve in time`)),
          startMs,
        );
      }),
    ]);
    return JSON.parse(line) as Announcement;
  } finally {
    clearTimeout(timer);
  }
}

function fail(message: string): never {
  throw new HostError("child_ended", message);
}
