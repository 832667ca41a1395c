import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { AuditIntakeService } from "@wellapi/gen/wellapi/audit/v1/audit_intake_service_pb";
import type { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { callerKey } from "@wellapi/rpc";
import { StoreError } from "@wellapi/store";
import { VaultError } from "@wellapi/vault";
import { scopeOf } from "./access.ts";
import type { AccessReader, ReadAccess } from "./access-reader.ts";
import { toIncomingLeaf, toInterval, toLoggedAccess, toPageSize } from "./convert.ts";
import { callerNotPermitted, unavailable } from "./errors.ts";
import type { Intake } from "./intake.ts";
import type { PublicLog } from "./public-log.ts";

export function createAuditHandlers(deps: {
  readonly reader: AccessReader;
  readonly publicLog: PublicLog;
  readonly verifierKey: string;
}): ServiceImpl<typeof AuditService> {
  const { reader, publicLog, verifierKey } = deps;
  return {
    listAccesses: (request, context) =>
      guard(async () => {
        const scope = scopeOfCall(context);
        if (scope === undefined) throw callerNotPermitted();
        const page = await reader.list(scope, {
          interval: toInterval(request.interval),
          pageSize: toPageSize(request.pageSize),
          pageToken: request.pageToken,
        });
        return { accesses: page.accesses.map(toMessage), nextPageToken: page.nextPageToken };
      }),
    getAccess: (request, context) =>
      guard(async () => ({ access: toMessage(await reader.get(scopeOfCall(context), request.access)) })),
    getCheckpoint: () => ({ checkpoint: publicLog.checkpoint(), verifierKey }),
    getInclusionProof: ({ index, size }) =>
      guard(async () => ({ hashes: await publicLog.inclusionProof(index, size) })),
    getConsistencyProof: ({ firstSize, secondSize }) =>
      guard(async () => ({ hashes: await publicLog.consistencyProof(firstSize, secondSize) })),
  };
}

export function createIntakeHandlers(intake: Intake): ServiceImpl<typeof AuditIntakeService> {
  return {
    append: (request) =>
      guard(async () => {
        await intake.append(request.leaves.map(toIncomingLeaf));
        return {};
      }),
  };
}

function scopeOfCall(context: HandlerContext) {
  return scopeOf(context.values.get(callerKey).principal);
}

function toMessage({ stored, secret, index }: ReadAccess) {
  return toLoggedAccess(stored, secret, index);
}

/** A store or a vault that cannot answer now is the caller's reason to come again. */
async function guard<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    const known = cause instanceof StoreError || cause instanceof VaultError;
    if (known && cause.code === "unavailable") throw unavailable({ cause });
    throw cause;
  }
}
