import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  type AuditService,
  type ListAccessesRequest,
  ListAccessesRequestSchema,
} from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import type { AuditIntakeService } from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import { callerKey, type PageQuery, type PageTokens, queryDigest } from "@wellapi/rpc";
import { scopeOf } from "./access.ts";
import type { AccessReader } from "./access-reader.ts";
import { fromCursor, toCursor, toIncomingLeaf, toInterval, toLoggedAccess, toPageSize } from "./convert.ts";
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
      const query = pageQueryOf(request, context);
      const page = await reader.list(scope, {
        interval: toInterval(request.interval),
        pageSize: toPageSize(request.pageSize),
        cursor: request.pageToken === "" ? undefined : toCursor(pageTokens.open(query, request.pageToken)),
      });
      const nextPageToken = page.cursor === undefined ? "" : pageTokens.seal(query, fromCursor(page.cursor));
      return { accesses: page.accesses.map(toLoggedAccess), nextPageToken };
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

function pageQueryOf(request: ListAccessesRequest, context: HandlerContext): PageQuery {
  return {
    caller: context.values.get(callerKey),
    method: `${context.service.typeName}/${context.method.name}`,
    digest: queryDigest(ListAccessesRequestSchema, request),
  };
}
