import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { type AuditService, ListAccessesRequestSchema } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import type { AuditIntakeService } from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import { callerKey, openListPage, type PageTokens, textPosition } from "@wellapi/rpc";
import { scopeOf } from "./access.ts";
import type { AccessReader } from "./access-reader.ts";
import { toIncomingLeaf, toInterval, toLoggedAccess } from "./convert.ts";
import { callerNotPermitted, noSuchFile } from "./errors.ts";
import type { Intake } from "./intake.ts";
import type { PublicLog } from "./public-log.ts";

export function createAuditHandlers(deps: {
  readonly reader: AccessReader;
  readonly publicLog: PublicLog;
  readonly pageTokens: PageTokens;
  readonly verifierKey: string;
  /** The keys that verify receipts, as a JSON Web Key Set. */
  readonly receiptKeys: string;
}): ServiceImpl<typeof AuditService> {
  const { reader, publicLog, pageTokens, verifierKey, receiptKeys } = deps;
  return {
    async listAccesses(request, context) {
      const scope = scopeOfCall(context);
      if (scope === undefined) throw callerNotPermitted();
      const { after, limit, token } = openListPage({
        tokens: pageTokens,
        caller: context.values.get(callerKey),
        method: `${context.service.typeName}/${context.method.name}`,
        schema: ListAccessesRequestSchema,
        request,
        sizes: { usual: 50, most: 500 },
        position: textPosition,
      });
      const interval = toInterval(request.interval);
      const countTo = request.showTotalSize && after === undefined ? countedAccesses + 1 : undefined;
      const page = await reader.list(scope, { interval, pageSize: limit, cursor: after, countTo });
      return {
        accesses: page.accesses.map(toLoggedAccess),
        nextPageToken: token(page.cursor),
        totalSize: page.total ?? 0,
      };
    },
    async getAccess(request, context) {
      return { access: toLoggedAccess(await reader.get(scopeOfCall(context), request.access)) };
    },
    getCheckpoint() {
      return { checkpoint: publicLog.checkpoint(), verifierKey };
    },
    async getInclusionProof({ index, size }) {
      return { hashes: await publicLog.inclusionProof(index, size) };
    },
    async getConsistencyProof({ firstSize, secondSize }) {
      return { hashes: await publicLog.consistencyProof(firstSize, secondSize) };
    },
    getReceiptKeys() {
      return { jwks: receiptKeys };
    },
    async getLogFile({ path }) {
      const content = await publicLog.read(path);
      if (content === undefined) throw noSuchFile();
      return { content };
    },
  };
}

/** The store has no count: each one that is counted is read. */
const countedAccesses = 1_000;

export function createIntakeHandlers(intake: Intake): ServiceImpl<typeof AuditIntakeService> {
  return {
    async append(request) {
      await intake.append(request.leaves.map(toIncomingLeaf));
      return {};
    },
  };
}

function scopeOfCall(context: HandlerContext) {
  return scopeOf(context.values.get(callerKey).principal);
}
