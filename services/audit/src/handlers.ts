import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { Access } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { type AuditService, ListAccessesRequestSchema } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import type { AuditIntakeService } from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import { callerKey, openListPage, type PageTokens, textPosition } from "@wellapi/rpc";
import type { Terminology } from "@wellapi/terminology";
import { type Interval, type Scope, scopeOf } from "./access.ts";
import { fitsFilter } from "./access-filter-convert.ts";
import type { AccessReader } from "./access-reader.ts";
import { toIncomingLeaf, toInterval, toLoggedAccess } from "./convert.ts";
import { createDisclosureHandlers } from "./disclosures/disclosure-handlers.ts";
import { callerNotPermitted, noSuchFile, notFound } from "./errors.ts";
import type { Intake } from "./intake.ts";
import { type Shown, shownTo } from "./own-care.ts";
import type { PublicLog } from "./public-log.ts";

export function createAuditHandlers(deps: {
  readonly reader: AccessReader;
  readonly publicLog: PublicLog;
  readonly pageTokens: PageTokens;
  readonly terminology: Terminology;
  readonly verifierKey: string;
  /** The keys that verify receipts, as a JSON Web Key Set. */
  readonly receiptKeys: string;
}): ServiceImpl<typeof AuditService> {
  const { reader, publicLog, pageTokens, terminology, verifierKey, receiptKeys } = deps;
  return {
    ...createDisclosureHandlers(deps),
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
      const { principal } = context.values.get(callerKey);
      const shown = shownTo(principal, terminology);
      if (request.filter !== undefined) {
        const fits = fitsFilter(request.filter, shown, terminology);
        const organization = request.filter.organization || undefined;
        const search = { interval, pageSize: limit, cursor: after, organization, fits };
        const found = await reader.search(scope, search);
        return { accesses: found.accesses.map(toLoggedAccess), nextPageToken: token(found.cursor) };
      }
      const counts = request.showTotalSize && after === undefined;
      // Whoever sees a part of the log counts that part.
      const byStore = counts && principal.hides === undefined;
      const query = { interval, pageSize: limit, cursor: after };
      const page = await reader.list(scope, { ...query, ...(byStore && { countTo: countedAccesses + 1 }) });
      const total = counts && !byStore ? await countShown(reader, scope, interval, shown) : page.total;
      return {
        accesses: page.accesses
          .map(toLoggedAccess)
          .filter(({ access }) => shown(access as Access | undefined)),
        nextPageToken: token(page.cursor),
        totalSize: total ?? 0,
      };
    },
    async getAccess(request, context) {
      const found = toLoggedAccess(await reader.get(scopeOfCall(context), request.access));
      const shown = shownTo(context.values.get(callerKey).principal, terminology);
      if (!shown(found.access as Access | undefined)) throw notFound();
      return { access: found };
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

/** Up to `countedAccesses` and one. */
async function countShown(
  reader: AccessReader,
  scope: Scope,
  interval: Interval,
  shown: Shown,
): Promise<number> {
  let count = 0;
  let cursor: string | undefined;
  do {
    const page = await reader.list(scope, { interval, pageSize: 500, cursor });
    count += page.accesses
      .map(toLoggedAccess)
      .filter(({ access }) => shown(access as Access | undefined)).length;
    cursor = page.cursor;
  } while (cursor !== undefined && count <= countedAccesses);
  return Math.min(count, countedAccesses + 1);
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
