import { createClient } from "@connectrpc/connect";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { createClosers, type Logger } from "@wellapi/runtime";
import type { ComposedService, Registry } from "@wellapi/service";
import { openControl } from "./backup/control.ts";
import { runningSource } from "./backup/sources.ts";
import { takeBackup } from "./backup/take.ts";
import { mtlsOriginOf } from "./client-certificates.ts";
import type { ExchangeConfig } from "./config.ts";
import { prepareDataFolder, publishedFolder } from "./data-folder.ts";
import { httpUrlOf, refuseTakenPorts, urlHost } from "./doors.ts";
import { openEdges } from "./edges.ts";
import { createInProcessPlatform, type InProcessPlatform } from "./in-process-platform.ts";
import { prepareMasterKey, warnOfKeyInFolder } from "./master-key/open.ts";
import { composeService } from "./service-platform.ts";
import { services } from "./services.ts";
import { openDiskRoom } from "./start-room.ts";

/** A running exchange. */
export interface Exchange {
  readonly grpcUrl: string;
  readonly httpUrl: string;
  /** The gateway's listener that asks clients for certificates; undefined: there is none. */
  readonly mtlsUrl: string | undefined;
  /** Where people open the pages. */
  readonly origin: string;
  readonly dataDir: string;
  /** The installation's own authority, PEM. */
  readonly authority: string;
  /** Verifies the log's checkpoints. */
  readonly verifierKey: string;
  /** Only at the first start. */
  readonly operatorKey: string | undefined;
  /** By which the first operator gets an account, while there is none. */
  readonly operatorLink: string | undefined;
  /** Drains the doors, then closes everything in reverse. */
  close(): Promise<void>;
}

/**
 * Runs all services in this process: each is composed after those that it calls, then the doors open. Throws HostError
 * with one line that says what to do.
 */
export async function openExchange(
  config: ExchangeConfig,
  log: Logger,
  registry: Registry = services,
): Promise<Exchange> {
  const closers = createClosers();
  return closers.guard(async () => {
    const { trustDomain, profile } = config;
    await refuseTakenPorts(config);
    let { origin } = config;
    let mtlsUrl: string | undefined;
    const folder = prepareDataFolder(config.dataDir);
    const masterKey = await prepareMasterKey(config.masterKey, folder);
    const room = await openDiskRoom(folder.reserves, log);
    closers.push("disk room", room.close);
    const platform = createInProcessPlatform({
      installation: {
        trustDomain,
        profile,
        region: "local",
        origin: () => openedAt(origin),
        mtlsOrigin: () =>
          mtlsOriginOf(config.clientCertificates, { origin: openedAt(origin), opened: mtlsUrl }),
      },
      registry,
      folder,
      masterKey,
      journal: { folder: config.journalDir, accepted: config.acceptJournal },
      logFolders: {
        directory: folder.logFolder,
        publishedDirectory: publishedFolder(config.journalDir),
      },
      readOnly: room.isLow,
      terminologyDir: config.terminologyDir,
      closers,
      log,
    });
    // First, so that nothing is written under a wrong key.
    await platform.vault();
    warnOfKeyInFolder(config.masterKey, folder.path, log);
    const composed = await composeAll(registry, platform, config.settings);
    const edges = await openEdges({
      platform,
      registry,
      settings: { ...config, doorHosts: [], doorFiles: undefined, behindTls: false },
      services: { composed },
      waiting: undefined,
    });
    origin ??= httpUrlOf({ host: urlHost(config.host), httpFiles: config.httpFiles }, edges.httpPort);
    if (edges.mtlsPort !== undefined) mtlsUrl = `https://${urlHost(config.host)}:${edges.mtlsPort}`;
    for (const { ready } of composed.values()) await ready?.();
    await openBackupControl(config, platform, folder);
    return {
      grpcUrl: `https://${urlHost(config.host)}:${edges.grpcPort}`,
      httpUrl: httpUrlOf(config, edges.httpPort),
      mtlsUrl,
      origin,
      dataDir: folder.path,
      authority: edges.authority,
      verifierKey: edges.verifierKey,
      operatorKey: [...composed.values()].map((one) => one.firstOperatorKey).find((key) => key !== undefined),
      operatorLink: [...composed.values()].find((one) => one.firstOperatorLink)?.firstOperatorLink?.(),
      close: () => closers.closeAll(),
    };
  });
}

function openedAt(origin: string | undefined): string {
  if (origin === undefined)
    throw new TypeError("the address of the gateway is asked for before its door is open");
  return origin;
}

/** Each service is mounted as soon as it is open, for the services that are composed after it. */
async function composeAll(
  registry: Registry,
  platform: InProcessPlatform,
  settings: ExchangeConfig["settings"],
): Promise<ReadonlyMap<string, ComposedService>> {
  const composed = new Map<string, ComposedService>();
  for (const descriptor of registry.services) {
    if (descriptor.compose === undefined || descriptor.meshOnly) continue;
    const service = await composeService(descriptor, platform, settings.get(descriptor.name) ?? {});
    platform.switchboard.mount(service.routes);
    composed.set(descriptor.name, service);
  }
  return composed;
}

/** `wellapi backup` asks a running exchange to copy its own stores. */
async function openBackupControl(
  { trustDomain }: ExchangeConfig,
  { network, stores, clock, closers, log }: InProcessPlatform,
  folder: ReturnType<typeof prepareDataFolder>,
): Promise<void> {
  const audit = createClient(AuditService, network.unauthenticated("gateway"));
  const checkpoint = async () =>
    Buffer.from((await audit.getLogFile({ path: "checkpoint" })).content).toString("utf8");
  const source = runningSource({ trustDomain, folder, stores, checkpoint });
  const control = await openControl({
    dataDir: folder.path,
    backup: ({ content, folder: to }) => takeBackup(source, { folder: to, content, clock }),
    log,
  });
  closers.push("control", () => control.close());
}
