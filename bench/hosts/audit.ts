/** The audit service as a process, over its real store, vault and KMS: P9 sends it leaves as an outbox does. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { auditCollections, type OpenAuditService, openAuditService } from "@wellapi/audit";
import { createPageTokens, openGrpcServer } from "@wellapi/rpc";
import { silentLogger, systemClock } from "@wellapi/runtime";
import { openSqliteStore } from "@wellapi/store";
import { shippedTerminology } from "@wellapi/terminology";
import { openLocalKms, openVault, vaultCollections } from "@wellapi/vault";
import type { Tls } from "../src/certificates.ts";
import { serveProgram } from "../src/program.ts";
import { interceptorsForRecords } from "./as-service.ts";

let audit: OpenAuditService;
let close: () => Promise<void>;

const commands = {
  async open({ folder, tls }: { folder: string; tls: Tls }): Promise<number> {
    mkdirSync(folder, { recursive: true });
    const kms = await openLocalKms({ path: join(folder, "master.key") });
    const store = await openSqliteStore({ path: join(folder, "audit.db"), collections: auditCollections });
    const keys = await openSqliteStore({ path: join(folder, "keys.db"), collections: vaultCollections });
    const vault = await openVault({ store: keys, kms, clock: systemClock });
    audit = await openAuditService(
      { trustDomain: "bench.test", directory: join(folder, "log") },
      {
        store,
        vault,
        kms,
        clock: systemClock,
        terminology: shippedTerminology,
        pageTokens: createPageTokens(await kms.derive("page-tokens")),
        log: silentLogger,
        onEvents() {},
      },
    );
    const server = await openGrpcServer({
      routes: audit.routes,
      interceptors: interceptorsForRecords(),
      host: "127.0.0.1",
      port: 0,
      tls: { certificate: tls.cert, privateKey: tls.key, clientAuthority: tls.ca },
      limits: { messageBytes: 4 * 1024 * 1024 },
      // Inside an exchange: a door takes smaller requests.
      peers: () => "records",
      reflection: false,
      log: silentLogger,
    });
    close = async () => {
      await server.close();
      await audit.close();
      await vault.close();
      await Promise.all([store.close(), keys.close()]);
      await kms.close();
    };
    return server.port;
  },
  /** Leaves under the published checkpoint: the second line of the note (C2SP tlog-checkpoint). */
  async published(): Promise<number> {
    const note = await audit.tiles.read("checkpoint");
    return note === undefined ? 0 : Number(Buffer.from(note).toString("utf8").split("\n")[1]);
  },
  close: (): Promise<void> => close(),
};

export type AuditProcess = typeof commands;
serveProgram(commands);
