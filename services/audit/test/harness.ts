import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Client, createClient } from "@connectrpc/connect";
import { AccessSchema } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { RequestLogService } from "@wellapi/gen/wellapi/audit/v1/request_log_service_pb";
import { UsageService } from "@wellapi/gen/wellapi/audit/v1/usage_service_pb";
import { AccessDirectoryService } from "@wellapi/gen/wellapi/internal/audit/v1/access_directory_service_pb";
import {
  AuditIntakeService,
  type Leaf,
  LeafSchema,
} from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import { RequestIntakeService } from "@wellapi/gen/wellapi/internal/audit/v1/request_intake_service_pb";
import { type Caller, createPageTokens, type Principal } from "@wellapi/rpc";
import { createTestTransport } from "@wellapi/rpc/testing";
import { type Logger, randomIds, silentLogger, systemClock } from "@wellapi/runtime";
import { openSqliteStore, type Store } from "@wellapi/store";
import { shippedTerminology } from "@wellapi/terminology";
import { openLocalKms, openVault, vaultCollections } from "@wellapi/vault";
import { onTestFinished } from "vitest";
import { type AuditDeps, auditCollections, openAuditService } from "../src/index.ts";

export const trustDomain = "exchange.test";
export const ada = "local/pat_ada";
export const bob = "local/pat_bob";

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "audit-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A leaf as the outbox of a service sends it. */
export function leafOf(
  partition: string,
  access: MessageInitShape<typeof AccessSchema> & { id?: string; organization?: string } = {},
  timeMs = 1_700_000_000_000,
): Leaf {
  const id = access.id ?? randomIds.next("acc");
  const body = toBinary(
    AccessSchema,
    create(AccessSchema, { method: "a.B/C", ...access, id, time: timestampFromMs(timeMs) }),
  );
  const nonce = new Uint8Array(randomBytes(32));
  const organization = access.organization ?? "";
  return create(LeafSchema, { id, partition, organization, timeMs: BigInt(timeMs), nonce, body });
}

export interface AuditWorld extends Awaited<ReturnType<typeof openAuditService>> {
  readonly folder: string;
  readonly store: Store;
  readonly vault: AuditDeps["vault"];
  readonly intake: Client<typeof AuditIntakeService>;
  /** As the consent service asks. */
  readonly directory: Client<typeof AccessDirectoryService>;
  as(principal: Partial<Principal>): Client<typeof AuditService>;
  usageAs(principal: Partial<Principal>): Client<typeof UsageService>;
  requestsAs(principal: Partial<Principal>): Client<typeof RequestLogService>;
  /** As the edge calls. */
  readonly doors: Client<typeof RequestIntakeService>;
  shut(): Promise<void>;
}

/** The service over a real store, vault and KMS. Nothing is left open if the start is refused. */
export async function openAudit(
  options: {
    folder?: string;
    wrap?: (store: Store) => Store;
    now?: number;
    /** Instead of `now`, where time goes on. */
    clock?: () => number;
    acceptBreak?: string;
    rotateKey?: string;
    checkedAtStart?: number;
    log?: Logger;
  } = {},
): Promise<AuditWorld> {
  const folder = options.folder ?? (await temporaryFolder());
  await mkdir(join(folder, "store"), { recursive: true });
  const kms = await openLocalKms({ path: join(folder, "master.key") });
  const real = await openSqliteStore({
    thread: "callers",
    path: join(folder, "store", "store.db"),
    collections: [...auditCollections, ...vaultCollections],
  });
  const { wrap = (store) => store, now } = options;
  const time = options.clock ?? (now === undefined ? undefined : () => now);
  const store = wrap(real);
  try {
    const vault = await openVault({ store, kms });
    const clock = { ...systemClock, ...(time && { now: time }) };
    const deps: AuditDeps = {
      store,
      vault,
      kms,
      clock,
      terminology: shippedTerminology,
      pageTokens: createPageTokens(await kms.derive("page-tokens")),
      log: options.log ?? silentLogger,
      onEvents() {},
    };
    const { acceptBreak, rotateKey } = options;
    const config = {
      trustDomain,
      directory: join(folder, "log"),
      integrateEveryMs: 5,
      acceptBreak,
      rotateKey,
      ...(options.checkedAtStart === undefined ? {} : { checkedAtStart: options.checkedAtStart }),
    };
    const service = await openAuditService(config, deps);
    const shut = async () => {
      await service.close();
      await real.close();
    };
    onTestFinished(shut);
    const transportOf = (principal: Partial<Principal>, workload = "door") => {
      const caller: Caller = { principal: { kind: "anonymous", id: "", ...principal }, workload, token: "" };
      return createTestTransport({ routes: service.routes, caller });
    };
    return {
      ...service,
      folder,
      store,
      vault,
      intake: createClient(AuditIntakeService, transportOf({ kind: "service", id: "records" }, "records")),
      directory: createClient(
        AccessDirectoryService,
        transportOf({ kind: "service", id: "consent" }, "consent"),
      ),
      as: (principal) => createClient(AuditService, transportOf(principal)),
      requestsAs: (principal) => createClient(RequestLogService, transportOf(principal)),
      doors: createClient(RequestIntakeService, transportOf({}, "gateway")),
      usageAs: (principal) => createClient(UsageService, transportOf(principal)),
      shut,
    };
  } catch (error) {
    await real.close();
    throw error;
  }
}
