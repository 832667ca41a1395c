/**
 * An operator's view of a process at each export. Each function starts to observe and returns how to stop; stop
 * before the observed thing is closed.
 */
import { X509Certificate } from "node:crypto";
import type { OpenAccessLog, Waiting } from "@wellapi/access-log";
import type { OpenEnforcer } from "@wellapi/enforcer";
import type { Backlog, JetStreamEvents } from "@wellapi/events";
import { type Clock, type Observation, observeGauge, seriesAttributes } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";

interface Depth {
  readonly kind: "events" | "leaves" | "reserve";
  readonly waiting: number;
  readonly ageMs: number;
}

/** One read for all gauges of an export: gauges that ask meanwhile share its result. */
function shared<T>(look: () => Promise<T>): () => Promise<T> {
  let looking: Promise<T> | undefined;
  return () => {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  };
}

function all(stops: readonly (() => void)[]): () => void {
  return () => {
    for (const stop of stops) stop();
  };
}

function observeOutbox(store: string, look: () => Promise<readonly Depth[]>): () => void {
  const depths = shared(look);
  const observation = (kind: Depth["kind"], value: number): Observation => ({
    value,
    attributes: { [seriesAttributes.store]: store, [seriesAttributes.outbox]: kind },
  });
  return all([
    observeGauge("outboxWaiting", async () =>
      (await depths()).map(({ kind, waiting }) => observation(kind, waiting)),
    ),
    observeGauge("outboxAge", async () =>
      (await depths()).map(({ kind, ageMs }) => observation(kind, ageMs / 1_000)),
    ),
  ]);
}

/**
 * Events that wait for the relay. An outbox entry has no timestamp: its age counts from when this process first saw
 * it as the oldest, so it may be older, after a restart or by one export.
 */
export function observeEventOutbox(name: string, store: Pick<Store, "count" | "readOutbox">, clock: Clock) {
  let oldest: { readonly position: number; readonly since: number } | undefined;
  return observeOutbox(name, async () => {
    const [waiting, [first]] = await Promise.all([store.count(), store.readOutbox(1)]);
    const now = clock.monotonic();
    if (first === undefined) oldest = undefined;
    else if (first.position !== oldest?.position) oldest = { position: first.position, since: now };
    return [{ kind: "events", waiting, ageMs: oldest === undefined ? 0 : now - oldest.since }];
  });
}

/** Leaves that have not reached audit: in the store, and in the reserve of this process. */
export function observeLeafOutbox(name: string, accessLog: OpenAccessLog, clock: Clock) {
  const depth = (kind: Depth["kind"], { count, oldestMs }: Waiting): Depth => {
    const ageMs = oldestMs === undefined ? 0 : Math.max(0, clock.now() - oldestMs);
    return { kind, waiting: count, ageMs };
  };
  return observeOutbox(name, async () => {
    const { outbox, reserve } = await accessLog.waiting();
    return [depth("leaves", outbox), depth("reserve", reserve)];
  });
}

/** The broker's connection, and the unsettled events and dead letters of each durable. */
export function observeEvents(events: Pick<JetStreamEvents, "backlog" | "connected">): () => void {
  // Without a connection the request would wait for its deadline.
  const backlog = shared(async () => (events.connected() ? events.backlog() : new Map<string, Backlog>()));
  const each = async (count: keyof Backlog): Promise<readonly Observation[]> => {
    return [...(await backlog())].map(([durable, counts]) => ({
      value: counts[count],
      attributes: { [seriesAttributes.durable]: durable },
    }));
  };
  return all([
    observeGauge("brokerConnected", () => [{ value: events.connected() ? 1 : 0 }]),
    observeGauge("eventLag", () => each("lag")),
    observeGauge("deadLetters", () => each("deadLetters")),
  ]);
}

export function observeCompaction(compaction: { waitingMs(): Promise<number> }): () => void {
  return observeGauge("compactionAge", async () => [{ value: (await compaction.waitingMs()) / 1_000 }]);
}

export function observeSession(enforcer: Pick<OpenEnforcer, "session">): () => void {
  return all([
    observeGauge("consentSession", () => [{ value: enforcer.session().live ? 1 : 0 }]),
    observeGauge("consentSessionAge", () => [{ value: enforcer.session().forMs / 1_000 }]),
  ]);
}

/** `certificate` returns the PEM that is in use, or the one for the next connection. */
export function observeCertificate(
  use: "workload" | "door" | "gateway" | "mtls" | "nats",
  certificate: () => string | Promise<string>,
  clock: Clock,
): () => void {
  return observeGauge("certificateRemaining", async () => {
    const ends = new X509Certificate(await certificate()).validToDate.getTime();
    return [{ value: (ends - clock.now()) / 1_000, attributes: { [seriesAttributes.certificate]: use } }];
  });
}
