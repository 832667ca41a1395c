import { logSurface } from "@wellapi/audit";
import { keysSurface } from "@wellapi/identity";
import { createStreamLimit, isPublic, type Route } from "@wellapi/rpc";
import { createClosers, type Logger } from "@wellapi/runtime";
import { openControl } from "./backup/control.ts";
import { runningSource } from "./backup/sources.ts";
import { takeBackup } from "./backup/take.ts";
import {
  composeAudit,
  composeConsent,
  composeIdentity,
  composeIngestion,
  composeRecords,
} from "./compositions.ts";
import type { ExchangeConfig } from "./config.ts";
import { prepareDataFolder, publishedFolder } from "./data-folder.ts";
import {
  createDoorAuthentication,
  drainDoors,
  openGrpcDoor,
  openHttpDoor,
  refuseTakenPorts,
  urlHost,
} from "./doors.ts";
import { createInProcessPlatform } from "./in-process-platform.ts";
import { prepareStartRoom } from "./start-room.ts";
import { createSurfaceDoor } from "./surface-door.ts";

/** A running exchange. */
export interface Exchange {
  readonly grpcUrl: string;
  readonly httpUrl: string;
  readonly dataDir: string;
  /** The installation's own authority, PEM. */
  readonly authority: string;
  /** Verifies the log's checkpoints. */
  readonly verifierKey: string;
  /** Only at the first start. */
  readonly operatorKey: string | undefined;
  /** Drains the doors, then closes everything in reverse. */
  close(): Promise<void>;
}

/** Composes all services in this process, top to bottom. Throws HostError with one line that helps. */
export async function openExchange(config: ExchangeConfig, log: Logger): Promise<Exchange> {
  const closers = createClosers();
  return closers.guard(async () => {
    const { trustDomain, profile, compactAfterMs, releaseMinimum, authorities } = config;
    await refuseTakenPorts(config);
    const folder = prepareDataFolder(config.dataDir);
    folder.checkKeys();
    await prepareStartRoom(folder.reserves, log);
    const platform = createInProcessPlatform({
      installation: { trustDomain, profile, region: "local", compactAfterMs, releaseMinimum, authorities },
      folder,
      journal: { folder: config.journalDir, accepted: config.acceptJournal },
      logFiles: {
        directory: folder.logFolder,
        publishedDirectory: publishedFolder(config.journalDir),
        acceptBreak: config.acceptLogBreak,
        rotateKey: config.rotateLogKey,
      },
      terminologyDir: config.terminologyDir,
      closers,
      log,
    });
    const { switchboard, network, clock, stores } = platform;

    // Keys first: nothing may be written under a wrong one. Then audit: the others write to its log.
    await platform.vault();
    const audit = await composeAudit(platform);
    switchboard.mount(audit.routes);
    const identity = await composeIdentity(platform);
    switchboard.mount(identity.routes);
    const consent = await composeConsent(platform);
    switchboard.mount(consent.routes);
    const records = await composeRecords(platform);
    switchboard.mount(records.routes);
    const ingestion = await composeIngestion(platform);
    switchboard.mount(ingestion.routes);

    // The doors.
    const authentication = (workload: string, edge?: "gateway") => {
      const recheckMs = config.credentialRecheckMs;
      const created = createDoorAuthentication({
        workload,
        network,
        clock,
        recheckMs,
        ...(edge && { edge }),
      });
      identity.onAccessEnded(created.forget);
      return created;
    };
    const streamLimit = createStreamLimit({ perApplication: config.streamsPerApplication });
    const services = [audit, identity, consent, records, ingestion];
    const grpc = await openGrpcDoor({
      settings: config,
      routes: services.flatMap(({ routes }) => routes).filter(({ service }) => isPublic(service)),
      authentication: authentication("door"),
      answers: records.answers,
      streamLimit,
      async certificate() {
        const { cert, key, ca } = await identity.issueServerCertificate([config.host]);
        return { certificate: cert, privateKey: key, clientAuthority: ca };
      },
      reflection: profile === "sandbox",
      clock,
      closers,
      log,
    });
    const surfaceDoor = (owner: string, routes: readonly Route[]) =>
      createSurfaceDoor({
        routes,
        upstream: network.unauthenticated(owner),
        authentication: authentication(owner, "gateway"),
        answers: records.answers,
        streamLimit,
        log,
      });
    const gateway = await openHttpDoor({
      settings: config,
      upstream: network.unauthenticated("gateway"),
      authentication: authentication("gateway"),
      answers: records.answers,
      streamLimit,
      surfaces: [
        { surface: logSurface, door: surfaceDoor("audit", audit.routes) },
        { surface: keysSurface, door: surfaceDoor("identity", identity.routes) },
      ],
      ready: async () => true,
      closers,
      log,
    });
    closers.push("doors", () => drainDoors([grpc, gateway], config.drainMs));
    await records.ready();
    const checkpoint = async () => Buffer.from((await audit.tiles.read("checkpoint"))!).toString("utf8");
    const source = runningSource({ trustDomain, folder, stores, checkpoint });
    const control = await openControl({
      dataDir: folder.path,
      backup: ({ content, folder: to }) => takeBackup(source, { folder: to, content, clock }),
      log,
    });
    closers.push("control", () => control.close());

    return {
      grpcUrl: `https://${urlHost(config.host)}:${grpc.port}`,
      httpUrl: `http://${config.host}:${gateway.port}`,
      dataDir: folder.path,
      authority: identity.authority,
      verifierKey: audit.verifierKey,
      operatorKey: identity.firstOperatorKey,
      close: () => closers.closeAll(),
    };
  });
}
