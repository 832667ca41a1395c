import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  type EventSchema,
  EventService,
  ListEventsRequestSchema,
} from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
import { type Caller, callerKey, openListPage, type PageTokens, partyOf, rpcNameOf } from "@wellapi/rpc";
import type { Pairwise } from "@wellapi/vault";
import { noticesError } from "../errors.ts";
import type { InboxChanges } from "../inbox-changes.ts";
import type { CourseClient } from "./course-client.ts";
import { type OrganizationEvent, patientIn } from "./event.ts";
import { eventMessage } from "./event-convert.ts";
import type { FeedRepository } from "./feed-repository.ts";
import { feedPosition, type ResumeTokensOf } from "./resume-tokens.ts";

export interface EventHandlersDeps {
  readonly feed: FeedRepository;
  readonly courses: Pick<CourseClient, "holders">;
  readonly changes: Pick<InboxChanges, "watch">;
  readonly pageTokens: PageTokens;
  readonly resumeTokensOf: ResumeTokensOf;
  readonly pairwise: Pick<Pairwise, "outward">;
  readonly clock: { now(): number };
  /** The partition of an organization's events. */
  readonly feedOf: (organization: string) => string;
  /** Aborted when the service closes: ends the watches. */
  readonly closing: AbortSignal;
}

/** As many as consent is asked about at once. */
const MOST_EVENTS = 100;
/** A new event wakes a watch; at this interval it looks by itself, in case that a signal was lost. */
const LOOK_MS = 5_000;

type EventMessage = MessageInitShape<typeof EventSchema>;

const { method } = EventService;

export function createEventHandlers(deps: EventHandlersDeps): ServiceImpl<typeof EventService> {
  const { feed, clock } = deps;
  return {
    async listEvents(request, context) {
      const { caller, organization, own } = readerOf(deps, context);
      const tokens = deps.resumeTokensOf(caller);
      const { after, limit, token } = openListPage({
        tokens: deps.pageTokens,
        caller,
        method: rpcNameOf(method.listEvents),
        schema: ListEventsRequestSchema,
        request,
        sizes: { usual: 50, most: MOST_EVENTS },
        position: feedPosition,
      });
      const now = clock.now();
      const from = after ?? tokens.open(request.resumeToken) ?? (await feed.oldest(own, now));
      const page = await feed.after(own, from, limit, now);
      return {
        events: await shown(deps, caller, organization, page.events),
        nextPageToken: token(page.more ? page.end : undefined),
        resumeToken: tokens.seal(page.end),
      };
    },
    watchEvents: (request, context) => watch(deps, request.resumeToken, context),
  };
}

async function* watch(deps: EventHandlersDeps, resumeToken: string, context: HandlerContext) {
  const { feed, changes, clock, closing } = deps;
  const { caller, organization, own } = readerOf(deps, context);
  const tokens = deps.resumeTokensOf(caller);
  const signal = AbortSignal.any([context.signal, closing]);
  const watched = changes.watch(own);
  try {
    let reached = tokens.open(resumeToken) ?? (await feed.newest(own));
    let first = true;
    while (!signal.aborted) {
      const page = await feed.after(own, reached, MOST_EVENTS, clock.now());
      if (first || page.end.sequence !== reached.sequence) {
        first = false;
        reached = page.end;
        yield {
          events: await shown(deps, caller, organization, page.events),
          resumeToken: tokens.seal(reached),
        };
      }
      if (!page.more) await watched.wait(LOOK_MS, signal);
    }
  } finally {
    watched.close();
  }
}

/** Those that the organization may know of now: consent is asked whose each is, at the moment at which it is given out. */
async function shown(
  { courses, pairwise }: Pick<EventHandlersDeps, "courses" | "pairwise">,
  caller: Caller,
  organization: string,
  events: readonly OrganizationEvent[],
): Promise<EventMessage[]> {
  const holders = await courses.holders(events);
  return events
    .filter((_, i) => holders[i] === organization)
    .map((event) => eventMessage(event, pairwise.outward(partyOf(caller), patientIn(event.patient))));
}

/** Whose events the caller reads. Throws `not_an_organization`. */
function readerOf(
  { feedOf }: Pick<EventHandlersDeps, "feedOf">,
  context: HandlerContext,
): { readonly caller: Caller; readonly organization: string; readonly own: string } {
  const caller = context.values.get(callerKey);
  const { kind, organization, onlyPatient } = caller.principal;
  // An application's token for one patient is that patient's grant, and not for what others do.
  if (kind !== "application" || organization === undefined || onlyPatient !== undefined) {
    throw noticesError("not_an_organization");
  }
  return { caller, organization, own: feedOf(organization) };
}
