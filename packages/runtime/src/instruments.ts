import {
  ATTR_DB_COLLECTION_NAME,
  ATTR_DB_NAMESPACE,
  ATTR_DB_OPERATION_NAME,
  ATTR_DB_SYSTEM_NAME,
  ATTR_ERROR_TYPE,
  ATTR_MESSAGING_BATCH_MESSAGE_COUNT,
  ATTR_MESSAGING_CONSUMER_GROUP_NAME,
  ATTR_MESSAGING_OPERATION_NAME,
  ATTR_MESSAGING_OPERATION_TYPE,
  ATTR_MESSAGING_SYSTEM,
  ATTR_V8JS_HEAP_SPACE_NAME,
  METRIC_DB_CLIENT_OPERATION_DURATION,
  METRIC_NODEJS_EVENTLOOP_DELAY_MAX,
  METRIC_NODEJS_EVENTLOOP_DELAY_P50,
  METRIC_NODEJS_EVENTLOOP_DELAY_P99,
  METRIC_PROCESS_MEMORY_USAGE,
  METRIC_RPC_SERVER_CALL_DURATION,
  METRIC_V8JS_MEMORY_HEAP_SPACE_SIZE,
  METRIC_V8JS_MEMORY_HEAP_USED,
} from "./semantic-conventions.ts";

export interface Instrument {
  readonly name: string;
  readonly kind: "counter" | "up-down-counter" | "histogram" | "gauge";
  /** UCUM; in braces what is counted. */
  readonly unit: string;
  readonly description: string;
  /** Upper bounds of a histogram's buckets. */
  readonly boundaries?: readonly number[];
}

/**
 * Everything that is measured, in one place: docs/operations.md lists it, deploy/metrics/ names it as Prometheus
 * does. Names of OpenTelemetry's semantic conventions (1.45) where there are any. No unit is `1`: Prometheus would
 * call a gauge of it a ratio.
 */
export const instruments = {
  callDuration: {
    name: METRIC_RPC_SERVER_CALL_DURATION,
    kind: "histogram",
    unit: "s",
    description: "Duration of inbound calls",
    boundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
  },
  activeStreams: {
    name: "wellapi.rpc.server.active_streams",
    kind: "up-down-counter",
    unit: "{stream}",
    description: "Inbound streams that are open",
  },
  refusedCalls: {
    name: "wellapi.rpc.server.refused_calls",
    kind: "counter",
    unit: "{call}",
    description: "Inbound calls that ended with an error, by its reason; cancelled ones are not among them",
  },
  refusedBudgets: {
    name: "wellapi.limits.refusals",
    kind: "counter",
    unit: "{refusal}",
    description:
      "Calls that were refused, and messages of streams that were taken later, because a budget was used up",
  },
  commitDuration: {
    name: METRIC_DB_CLIENT_OPERATION_DURATION,
    kind: "histogram",
    unit: "s",
    description: "Duration of commits to the store, until they are on disk",
    boundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
  outboxWaiting: {
    name: "wellapi.outbox.waiting",
    kind: "gauge",
    unit: "{item}",
    description: "Events and leaves that are committed and have not left yet",
  },
  outboxAge: {
    name: "wellapi.outbox.age",
    kind: "gauge",
    unit: "s",
    description: "How long the oldest of them has waited; 0 where none waits",
  },
  eventLag: {
    name: "wellapi.events.lag",
    kind: "gauge",
    unit: "{event}",
    description: "Events that a durable has not settled",
  },
  deadLetters: {
    name: "wellapi.events.dead_letters",
    kind: "gauge",
    unit: "{event}",
    description: "Events that a durable gave up on",
  },
  compactedBlocks: {
    name: "wellapi.records.compacted_blocks",
    kind: "counter",
    unit: "{block}",
    description: "Blocks that compaction has merged into others",
  },
  compactionAge: {
    name: "wellapi.records.compaction.age",
    kind: "gauge",
    unit: "s",
    description: "How long the oldest block that is not compacted has waited; 0 where none waits",
  },
  noticesSent: {
    name: "wellapi.notices.messages",
    kind: "counter",
    unit: "{message}",
    description: "Messages of notices by a channel (email, push), by their outcome: sent, failed, given_up",
  },
  webhookAttempts: {
    name: "wellapi.notices.webhooks",
    kind: "counter",
    unit: "{attempt}",
    description:
      "Tries to deliver an event to an organization's endpoint, by what came of them; given_up: after three days, withheld, endpoint_disabled",
  },
  cacheLookups: {
    name: "wellapi.cache.lookups",
    kind: "counter",
    unit: "{lookup}",
    description: "Lookups in a cache, by its name and whether they found something",
  },
  damagedDocuments: {
    name: "wellapi.store.damaged_documents",
    kind: "counter",
    unit: "{document}",
    description: "Stored documents that were met damaged, each once in the life of a process",
  },
  logDamage: {
    name: "wellapi.log.damage",
    kind: "gauge",
    unit: "{damage}",
    description:
      "Damaged entries of the log of accesses, and its tree where nothing confirms it; 0 where it is whole",
  },
  brokerConnected: {
    name: "wellapi.events.connected",
    kind: "gauge",
    unit: "{connection}",
    description: "1 while there is a live connection to the broker",
  },
  consentSession: {
    name: "wellapi.consent.session.live",
    kind: "gauge",
    unit: "{session}",
    description: "1 while the enforcer has a live session with consent; nothing is decided without",
  },
  consentSessionAge: {
    name: "wellapi.consent.session.age",
    kind: "gauge",
    unit: "s",
    description: "For how long the session has been live, or there has been none",
  },
  certificateRemaining: {
    name: "wellapi.certificate.remaining",
    kind: "gauge",
    unit: "s",
    description: "Until the certificate ends",
  },
  eventLoopDelayMedian: {
    name: METRIC_NODEJS_EVENTLOOP_DELAY_P50,
    kind: "gauge",
    unit: "s",
    description: "Delay of the event loop since the export before: median",
  },
  eventLoopDelayP99: {
    name: METRIC_NODEJS_EVENTLOOP_DELAY_P99,
    kind: "gauge",
    unit: "s",
    description: "Delay of the event loop since the export before: 99th percentile",
  },
  eventLoopDelayMax: {
    name: METRIC_NODEJS_EVENTLOOP_DELAY_MAX,
    kind: "gauge",
    unit: "s",
    description: "Delay of the event loop since the export before: the longest",
  },
  heapUsed: {
    name: METRIC_V8JS_MEMORY_HEAP_USED,
    kind: "gauge",
    unit: "By",
    description: "Heap in use, by space",
  },
  heapSize: {
    name: METRIC_V8JS_MEMORY_HEAP_SPACE_SIZE,
    kind: "gauge",
    unit: "By",
    description: "Heap that V8 has taken, by space",
  },
  processMemory: {
    name: METRIC_PROCESS_MEMORY_USAGE,
    kind: "gauge",
    unit: "By",
    description: "Resident memory of the process",
  },
} as const satisfies Readonly<Record<string, Instrument>>;

/** What tells series apart, beside those of RPCs. Few values each, and never a person's. */
export const seriesAttributes = {
  /** The store: a service's name. */
  store: ATTR_DB_NAMESPACE,
  /** `mongodb` or `sqlite`. */
  engine: ATTR_DB_SYSTEM_NAME,
  operation: ATTR_DB_OPERATION_NAME,
  collection: ATTR_DB_COLLECTION_NAME,
  /** Only of what failed. */
  error: ATTR_ERROR_TYPE,
  durable: ATTR_MESSAGING_CONSUMER_GROUP_NAME,
  /** `events`, `leaves`, or `reserve`: leaves that the store could not take. */
  outbox: "wellapi.outbox.kind",
  /** `workload`, `door` or `nats`. */
  certificate: "wellapi.certificate.use",
  cache: "wellapi.cache.name",
  /** `organization`, `application`, `credential`, `patient` or `address`. */
  budget: "wellapi.budget.name",
  /** `hit` or `miss`. */
  cacheOutcome: "wellapi.cache.outcome",
  heapSpace: ATTR_V8JS_HEAP_SPACE_NAME,
  /** `email` or `push`. */
  noticeChannel: "wellapi.notices.channel",
  /** `sent`, `failed` or `given_up`. */
  noticeOutcome: "wellapi.notices.outcome",
  /** `taken`, `refused`, `redirected`, `timed_out`, `not_connected`, `address_refused`, `given_up`, `withheld` or `endpoint_disabled`. */
  webhookOutcome: "wellapi.notices.webhook_outcome",
} as const;

/** Of spans, beside `seriesAttributes`. */
export const traceAttributes = {
  messagingSystem: ATTR_MESSAGING_SYSTEM,
  messagingOperation: ATTR_MESSAGING_OPERATION_NAME,
  messagingOperationType: ATTR_MESSAGING_OPERATION_TYPE,
  messageCount: ATTR_MESSAGING_BATCH_MESSAGE_COUNT,
  durable: ATTR_MESSAGING_CONSUMER_GROUP_NAME,
  entries: "wellapi.audit.entries",
} as const;
