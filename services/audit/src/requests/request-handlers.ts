import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  ListRequestsRequestSchema,
  type RequestLogService,
  type WatchRequestsRequest,
} from "@wellapi/gen/wellapi/audit/v1/request_log_service_pb";
import type { RequestIntakeService } from "@wellapi/gen/wellapi/internal/audit/v1/request_intake_service_pb";
import { callerKey, jsonPosition, openListPage, type PageTokens, raceAbort } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import { scopeOf } from "../access.ts";
import { callerNotPermitted } from "../errors.ts";
import { requestMessage, toEnded, toFilter } from "./request-convert.ts";
import type { RequestLog } from "./request-log.ts";

export interface RequestHandlersDeps {
  readonly requests: RequestLog;
  readonly pageTokens: PageTokens;
  readonly clock: Clock;
}

/** Most requests of one answer of a watch. */
const AT_ONCE = 100;

export function createRequestHandlers(deps: RequestHandlersDeps): ServiceImpl<typeof RequestLogService> {
  const { requests, pageTokens, clock } = deps;
  return {
    async listRequests(request, context) {
      const { after, limit, token } = openListPage({
        tokens: pageTokens,
        caller: context.values.get(callerKey),
        method: `${context.service.typeName}/${context.method.name}`,
        schema: ListRequestsRequestSchema,
        request,
        sizes: { usual: 100, most: 500 },
        position: jsonPosition<number>(),
      });
      const filter = toFilter(request.filter);
      const query = { filter, limit, now: clock.now() };
      const page = await requests.before(organizationOf(context), after, query);
      return { requests: page.requests.map(requestMessage), nextPageToken: token(page.next) };
    },
    watchRequests: (request, context) => watch(deps, request, context),
  };
}

async function* watch(
  { requests, clock }: RequestHandlersDeps,
  request: WatchRequestsRequest,
  context: HandlerContext,
) {
  const organization = organizationOf(context);
  const filter = toFilter(request.filter);
  const signal = AbortSignal.any([context.signal, requests.closing]);
  const changes = requests.watch(organization);
  try {
    const newest = await requests.newest(organization);
    // One from before everything of the organization was deleted lies behind what has come since.
    let position = request.resumeToken === "" ? newest : Math.min(Number(request.resumeToken), newest);
    let first = true;
    while (!signal.aborted) {
      const changed = changes.next();
      const query = { filter, limit: AT_ONCE, now: clock.now() };
      const page = await requests.after(organization, position, query);
      if (first || page.reached > position) {
        first = false;
        position = page.reached;
        yield { requests: page.requests.map(requestMessage), resumeToken: String(position) };
      }
      if (page.more) continue;
      await raceAbort(changed, signal).catch(() => {});
      // Everything was deleted meanwhile, and what comes is counted from 1 again.
      if (!signal.aborted && (await requests.newest(organization)) < position) position = 0;
    }
  } finally {
    changes.close();
  }
}

export function createRequestIntakeHandlers({
  requests,
  clock,
}: Pick<RequestHandlersDeps, "requests" | "clock">): ServiceImpl<typeof RequestIntakeService> {
  return {
    async keepRequests({ organizations }) {
      await requests.append(organizations.map(toEnded), clock.now());
      return {};
    },
  };
}

/** Whose requests the caller reads. */
function organizationOf(context: HandlerContext): string {
  const scope = scopeOf(context.values.get(callerKey).principal);
  if (scope?.kind !== "organization") throw callerNotPermitted();
  return scope.organization;
}
