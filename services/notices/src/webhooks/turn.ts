import type { Clock, Logger } from "@wellapi/runtime";
import type { Change, Store, Stored } from "@wellapi/store";
import type { ItemSealer, Pairwise } from "@wellapi/vault";
import type { CourseClient } from "../organizations/course-client.ts";
import { type OrganizationEvent, patientIn } from "../organizations/event.ts";
import type { FeedRepository } from "../organizations/feed-repository.ts";
import { TOLD_AGAIN_MS } from "./alert.ts";
import { alertOf } from "./alerts.ts";
import {
  type Attempt,
  type AttemptOutcome,
  afterAttempt,
  disabledBy,
  healthAfter,
  isAway,
  type Progress,
  restOf,
} from "./attempt.ts";
import {
  awaited,
  type DeliveryRepository,
  type Held,
  progressed,
  progressOf,
} from "./delivery-repository.ts";
import { type DisableReason, type Endpoint, secretsInForce, wants } from "./endpoint.ts";
import { endpointIn, stoppedEndpoint } from "./endpoint-repository.ts";
import { messageOf } from "./message-convert.ts";
import { dueOf, healthOf, leased, left, type Next, withHealth } from "./place.ts";
import type { StandingClient } from "./standing-client.ts";
import {
  type EndpointDocument,
  endpoints,
  type PlaceDocument,
  type WebhookDeliveryDocument,
} from "./webhook-documents.ts";
import { TIMEOUT_MS, type WebhookSender } from "./webhook-sender.ts";

export interface TurnDeps {
  readonly store: Store;
  readonly sealer: ItemSealer;
  readonly feed: Pick<FeedRepository, "after" | "find" | "newest" | "reaches">;
  readonly deliveries: DeliveryRepository;
  readonly courses: Pick<CourseClient, "holders">;
  readonly standing: StandingClient;
  readonly sender: WebhookSender;
  readonly pairwise: Pick<Pairwise, "outward">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly counted: (outcome: AttemptOutcome | "given_up" | "withheld" | "endpoint_disabled") => void;
}

/** A try, and what is stored of it, end well before the lease. */
const NEEDED_MS = TIMEOUT_MS + 4_000;
/** So many events of an endpoint wait at once: those of other patients pass one that is refused. */
const WINDOW = 100;
/** One turn is no longer, so that nobody's many events hold up others'. */
const TURN_MS = 20_000;
/** So many refusals without a yes between them end a turn. */
const MOST_REFUSALS = 3;
/** Something of ours was away. */
const RETRY_MS = 10_000;
/** In case that nobody says that there are new events. */
const LOOK_MS = 120_000;

/** The place as it was last stored; undefined once somebody else has it. */
interface Grip {
  held: Held | undefined;
}

/** Delivers to one endpoint what is due, in order, until nothing is, or others are to have their turn. Throws StoreError where the place cannot be given back. */
export async function takeTurn(deps: TurnDeps, claimed: Held, signal: AbortSignal): Promise<void> {
  const { clock, log, feed } = deps;
  const grip: Grip = { held: claimed };
  let next: Next;
  try {
    next = await deliverDue(deps, grip, signal);
  } catch (err) {
    if (!signal.aborted) log.warn({ err }, "webhooks wait for a part of the exchange; trying again");
    next = { due: clock.now() + (signal.aborted ? 0 : RETRY_MS) };
  }
  if (grip.held === undefined || !(await step(deps, grip, left(grip.held.document, next)))) return;
  if (next.due === undefined || next.rests || next.full) return;
  // Whoever told of an event meanwhile saw that somebody delivers.
  const { document } = grip.held;
  if ((await feed.newest(document.partition)).sequence === document.sequence) return;
  await step(deps, grip, { ...document, due_time: clock.now() });
}

async function deliverDue(deps: TurnDeps, grip: Grip, signal: AbortSignal): Promise<Next> {
  const { store, sealer, standing, clock } = deps;
  const { partition, endpoint: id } = grip.held!.document;
  const stored = await store.get<EndpointDocument>(endpoints.name, [partition, id]);
  if (stored === undefined || stored.document.state !== "enabled") return {};
  const endpoint = endpointIn(sealer, stored.document);
  if (!(await standing.isActive(endpoint.organization))) return { due: clock.now() + LOOK_MS, rests: true };
  const to = { stored, endpoint };
  if (!(await takeIn(deps, grip, to))) return {};
  return deliverWaiting(deps, grip, to, signal);
}

interface Target {
  readonly stored: Stored<EndpointDocument>;
  readonly endpoint: Endpoint;
}

/** Events become deliveries, as many as may wait. False where the endpoint gets no more. */
async function takeIn(deps: TurnDeps, grip: Grip, to: Target): Promise<boolean> {
  const { deliveries, feed, clock } = deps;
  const { document: place } = grip.held!;
  const now = clock.now();
  const room = WINDOW - (await deliveries.waiting(place, WINDOW)).length;
  if (room <= 0) return true;
  if (!(await feed.reaches(place.partition, place, now))) {
    await stop(deps, grip, to, "events_missed");
    return false;
  }
  const { events, end } = await feed.after(place.partition, place, room, now);
  if (end.sequence === place.sequence) return true;
  const known = await deliveries.known(place, end.sequence);
  const changes = events
    .filter(({ kind }) => wants(to.endpoint, kind))
    .map(({ sequence, id: event, patient }) =>
      awaited(place, { sequence, event, patient }, known.get(sequence), now),
    );
  return step(deps, grip, { ...place, ...end }, changes);
}

async function deliverWaiting(deps: TurnDeps, grip: Grip, to: Target, signal: AbortSignal): Promise<Next> {
  const { deliveries, clock } = deps;
  const ends = clock.monotonic() + TURN_MS;
  /** Patients of whom something waits for its time: what comes later waits behind it. */
  const behind = new Set<string>();
  let soonest = clock.now() + LOOK_MS;
  let refusals = 0;
  const waiting = await deliveries.waiting(grip.held!.document, WINDOW);
  let remaining = waiting.length;
  for (const delivery of waiting) {
    const { patient } = delivery.document;
    const due = dueOf(delivery.document, grip.held!.document);
    if (behind.has(patient)) continue;
    if (signal.aborted || clock.monotonic() > ends) return { due: clock.now() };
    const tried = due > clock.now() ? undefined : await deliver(deps, grip, to, delivery, signal);
    if (grip.held === undefined || tried?.stopped) return {};
    const { state, dueTime } = tried?.progress ?? { state: "waiting", dueTime: due };
    if (state === "waiting") {
      behind.add(patient);
      soonest = Math.min(soonest, dueTime);
    } else remaining -= 1;
    if (tried?.attempt === undefined) continue;
    refusals = tried.attempt.outcome === "taken" ? 0 : refusals + 1;
    if (isAway(tried.attempt) || refusals === MOST_REFUSALS) {
      return { due: clock.now() + restOf(healthOf(grip.held.document)), rests: true };
    }
  }
  return { due: soonest, full: remaining === WINDOW };
}

interface Tried {
  readonly progress: Progress;
  /** Absent: the event was withheld. */
  readonly attempt?: Attempt;
  /** The endpoint gets nothing any more. */
  readonly stopped?: boolean;
}

/** One try. Undefined where somebody else has the place. */
async function deliver(
  deps: TurnDeps,
  grip: Grip,
  to: Target,
  delivery: Stored<WebhookDeliveryDocument>,
  signal: AbortSignal,
): Promise<Tried | undefined> {
  const { store, sender, pairwise, clock, log, counted } = deps;
  const { endpoint } = to;
  const before = progressOf(delivery.document);
  const event = await released(deps, endpoint, delivery.document);
  if (event === undefined) {
    const progress = { ...before, state: "withheld" } as const;
    counted("withheld");
    const kept = await step(deps, grip, grip.held!.document, [progressed(delivery, progress, clock.now())]);
    return kept ? { progress } : undefined;
  }
  if (!(await renewed(deps, grip))) return undefined;
  const secrets = secretsInForce(endpoint, clock.now()).map(({ secret }) => secret);
  const patient = pairwise.outward(endpoint.organization, patientIn(event.patient));
  const attempt = await sender.send({ url: endpoint.url, secrets }, messageOf(event, patient), signal);
  const now = clock.now();
  const progress = afterAttempt(before, attempt, now);
  const health = healthAfter(healthOf(grip.held!.document), attempt);
  const reason = disabledBy(health, attempt, now);
  counted(attempt.outcome);
  if (progress.state === "failed") {
    counted("given_up");
    log.warn({ endpoint: endpoint.id, attempt: progress.tries }, "a webhook was given up; it can be retried");
  }
  const made = progressed(delivery, progress, now);
  const { place, alert } = telling(withHealth(grip.held!.document, health), progress, now);
  if (await step(deps, grip, place, [made, ...alert])) {
    if (reason !== undefined) await stop(deps, grip, to, reason);
    return { progress, attempt, stopped: reason !== undefined };
  }
  // Somebody changed the endpoint meanwhile. What came of the try stays true.
  await store.commit({ partition: delivery.document.partition, changes: [made] });
  return undefined;
}

/** That an event was given up is told, unless the organization knows already that this happens. */
function telling(
  place: PlaceDocument,
  { state }: Progress,
  now: number,
): { readonly place: PlaceDocument; readonly alert: readonly Change[] } {
  const { told_time: told = 0 } = place;
  if (state !== "failed" || now - told < TOLD_AGAIN_MS) return { place, alert: [] };
  return {
    place: { ...place, told_time: now },
    alert: [alertOf(place, "given_up", now)],
  };
}

/** The event, where the organization may know of it at this moment. */
async function released(
  { feed, courses }: Pick<TurnDeps, "feed" | "courses">,
  { organization }: Endpoint,
  { partition, sequence, event }: WebhookDeliveryDocument,
): Promise<OrganizationEvent | undefined> {
  const found = await feed.find(partition, { sequence, event });
  if (found === undefined) return undefined;
  const [holder] = await courses.holders([found]);
  return holder === organization ? found : undefined;
}

/** Whether the place is held still, for long enough to try once: what was paused, deleted or rotated meanwhile is not sent as before. */
async function renewed(deps: TurnDeps, grip: Grip): Promise<boolean> {
  const held = grip.held!;
  if ((held.document.lease_time ?? 0) < deps.clock.now() + NEEDED_MS) return step(deps, grip, held.document);
  if (!(await deps.deliveries.holds(held))) grip.held = undefined;
  return grip.held !== undefined;
}

/** The exchange delivers no more to the endpoint. Where somebody changes it at this moment, the next try decides anew. */
async function stop(deps: TurnDeps, grip: Grip, to: Target, reason: DisableReason): Promise<void> {
  const { counted, log } = deps;
  const place = left(grip.held!.document, {});
  const changes = [stoppedEndpoint(to.stored, reason), alertOf(place, reason, deps.clock.now())];
  if (!(await step(deps, grip, place, changes))) return;
  grip.held = undefined;
  counted("endpoint_disabled");
  log.warn({ endpoint: to.endpoint.id, reason }, "an endpoint of webhooks is disabled");
}

/** Stores the place, and renews the lease unless it is given back. False, and nothing is stored, where somebody else changed it. */
async function step(
  { deliveries, clock }: Pick<TurnDeps, "deliveries" | "clock">,
  grip: Grip,
  place: PlaceDocument,
  further: readonly Change[] = [],
): Promise<boolean> {
  if (grip.held === undefined) return false;
  const next = place.lease_time === undefined ? place : leased(place, clock.now());
  grip.held = await deliveries.step(grip.held, next, further);
  return grip.held !== undefined;
}
