import { createContextKey } from "@connectrpc/connect";
import type { Clock, Logger } from "@wellapi/runtime";
import type { Principal } from "./caller.ts";

/**
 * Whose credential was shown and refused, where identity knows it: the call has no caller, but its organization is told of it. Set where
 * credentials are exchanged.
 */
export const refusedHolderKey = createContextKey<Principal | undefined>(undefined, {
  description: "holder of the refused credential",
});

/** What a call tells its organization's developers once it has ended: no value, no patient, no person. */
export interface EndedRequest {
  /** UTC milliseconds of its beginning. */
  readonly startTime: number;
  readonly durationMs: number;
  /** The application's id; empty: a person. */
  readonly application: string;
  /** The id of the application's credential; empty: a person's session. */
  readonly credential: string;
  /** Fully qualified RPC, or what stands for one where none was reached (decision 0083). */
  readonly method: string;
  readonly protocol: Protocol;
  /** As gRPC names it. */
  readonly status: string;
  /** Empty: it succeeded. */
  readonly reason: string;
  readonly requestId: string;
  /** Empty: none. */
  readonly traceId: string;
}

/** `http`: FHIR and other surfaces, whose requests make one or more calls. */
export type Protocol = "grpc" | "connect" | "http";

/** What ended of one organization since the last time. */
export interface EndedOfOrganization {
  readonly organization: string;
  /** In the order in which they ended. */
  readonly requests: readonly EndedRequest[];
  /** How many more there were. */
  readonly omitted: number;
}

/** What the door knows of an ended call. */
export type EndedCall = Omit<EndedRequest, "startTime" | "application" | "credential">;

/** Passes on what ended at a door, off the way of the calls. */
export interface EndedRequests {
  /** Never throws and never waits. Forgets callers without an organization: patients, operators and whoever is unknown. */
  ended(principal: Principal, call: EndedCall): void;
  /** Sends what waits. */
  close(): Promise<void>;
}

export interface EndedRequestsOptions {
  /** Is called with one batch at a time. What it rejects is lost, and counted as omitted with the next. */
  readonly send: (batch: readonly EndedOfOrganization[]) => Promise<unknown>;
  /** RPCs whose calls are no requests. */
  readonly isLeftOut?: (method: string) => boolean;
  readonly clock: Pick<Clock, "now">;
  readonly log: Logger;
  /** How long requests wait for others; 1,000 unless given. */
  readonly everyMs?: number;
  readonly bounds?: Partial<EndedRequestsBounds>;
}

export interface EndedRequestsBounds {
  /** Requests that succeeded, and as many that did not, of one organization in one batch. */
  readonly each: number;
  /** Requests of one batch. */
  readonly together: number;
  /** Organizations that are remembered at a time. */
  readonly organizations: number;
}

/** A burst of one organization leaves room for others, and one of successes for its failures. */
const usualBounds: EndedRequestsBounds = { each: 50, together: 2_000, organizations: 1_000 };

export function createEndedRequests(options: EndedRequestsOptions): EndedRequests {
  const { send, isLeftOut = () => false, clock, log, everyMs = 1_000 } = options;
  const waiting = createWaitingRequests({ ...usualBounds, ...options.bounds });
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> | undefined;

  async function sendBatch(): Promise<void> {
    const { batch, lost } = waiting.take();
    if (lost > 0)
      log.warn({ count: lost }, "requests of more organizations than are remembered are not kept");
    if (batch.length === 0) return;
    try {
      await send(batch);
    } catch (err) {
      for (const { organization, requests, omitted } of batch)
        waiting.omit(organization, requests.length + omitted);
      log.warn({ err }, "ended requests are not kept: their organizations are told how many");
    }
  }

  function flush(): void {
    sending = sendBatch().finally(() => {
      sending = undefined;
      timer = waiting.isEmpty() ? undefined : setTimeout(flush, everyMs).unref();
    });
  }

  return {
    ended(principal, call) {
      const { organization, kind, id, credential = "" } = principal;
      if (organization === undefined || isLeftOut(call.method)) return;
      const application = kind === "application";
      const kept = waiting.add(organization, {
        ...call,
        startTime: Math.round(clock.now() - call.durationMs),
        application: application ? id : "",
        credential: application ? credential : "",
      });
      if (kept) timer ??= setTimeout(flush, everyMs).unref();
    },
    async close() {
      clearTimeout(timer);
      await sending;
      clearTimeout(timer);
      await sendBatch();
    },
  };
}

interface Waiting {
  readonly requests: EndedRequest[];
  succeeded: number;
  omitted: number;
}

/** What ended since the last batch, within bounds. */
function createWaitingRequests(bounds: EndedRequestsBounds) {
  const waiting = new Map<string, Waiting>();
  let together = 0;
  /** Of organizations that there was no place for. */
  let lost = 0;

  function placeOf(organization: string): Waiting | undefined {
    const known = waiting.get(organization);
    if (known !== undefined) return known;
    if (waiting.size >= bounds.organizations && !forgetOmissions()) return undefined;
    const place: Waiting = { requests: [], succeeded: 0, omitted: 0 };
    waiting.set(organization, place);
    return place;
  }

  /** Makes room: whoever has not called since may never call again. */
  function forgetOmissions(): boolean {
    for (const [organization, { requests, omitted }] of waiting) {
      if (requests.length > 0) continue;
      lost += omitted;
      return waiting.delete(organization);
    }
    return false;
  }

  function omit(organization: string, count: number): void {
    const place = placeOf(organization);
    if (place === undefined) lost += count;
    else place.omitted += count;
  }

  return {
    omit,
    isEmpty: () => together === 0,
    /** False: there is no room, and it is counted only. */
    add(organization: string, request: EndedRequest): boolean {
      const place = placeOf(organization);
      const succeeded = request.reason === "";
      const before = place && (succeeded ? place.succeeded : place.requests.length - place.succeeded);
      if (place === undefined || before! >= bounds.each || together >= bounds.together) {
        omit(organization, 1);
        return false;
      }
      place.requests.push(request);
      if (succeeded) place.succeeded += 1;
      together += 1;
      return true;
    },
    /** An organization of which only omissions are known waits for its next request, which tells of them. */
    take(): { readonly batch: readonly EndedOfOrganization[]; readonly lost: number } {
      const taken = [...waiting].filter(([, { requests }]) => requests.length > 0);
      for (const [organization] of taken) waiting.delete(organization);
      const batch = taken.map(([organization, { requests, omitted }]) => ({
        organization,
        requests,
        omitted,
      }));
      const result = { batch, lost };
      together = 0;
      lost = 0;
      return result;
    },
  };
}
