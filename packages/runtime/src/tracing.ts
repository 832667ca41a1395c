import {
  type Attributes,
  context,
  isSpanContextValid,
  type Link,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from "@opentelemetry/api";
import { ATTR_ERROR_TYPE } from "./semantic-conventions.ts";

/** W3C Trace Context; CloudEvents' extension for distributed tracing has the same name. */
export const traceHeader = "traceparent";

export interface Work {
  /** Low cardinality, without ids: `commit records`. */
  readonly name: string;
  readonly kind?: "internal" | "client" | "producer" | "consumer";
  readonly attributes?: Attributes;
  /**
   * What the work is done for, as `currentTrace` gave it: many requests of other traces. Given, even if empty, the work begins
   * a trace of its own: a loop runs in the context of whoever woke it, and that request is not its parent.
   */
  readonly causes?: Iterable<string | undefined>;
}

const kinds = {
  internal: SpanKind.INTERNAL,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

/** Backends cut longer lists (the specification's own limit). */
const mostLinks = 128;
const header = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
/** Asked for at each use: a tracer that is kept stays with the providers of its first. */
const scope = "@wellapi/runtime";

/** Mirrors the providers, which the API registers for the process: without one, work pays nothing for its spans. */
let opened = 0;

/** Spans are made until the returned function is called. */
export function openTracing(): () => void {
  opened += 1;
  return () => {
    opened -= 1;
  };
}

/** Runs the work in a span. Without a provider it only runs the work. */
export function traced<T>(work: Work, run: () => Promise<T>): Promise<T> {
  return opened === 0 ? run() : recorded(work, run);
}

async function recorded<T>(
  { name, kind = "internal", attributes, causes }: Work,
  run: () => Promise<T>,
): Promise<T> {
  const parent = causes === undefined ? context.active() : ROOT_CONTEXT;
  const span = trace
    .getTracer(scope)
    .startSpan(
      name,
      { kind: kinds[kind], ...(attributes && { attributes }), ...(causes && { links: linksTo(causes) }) },
      parent,
    );
  try {
    return await context.with(trace.setSpan(parent, span), run);
  } catch (error) {
    // A code of ours, never a message: it may name a person.
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    span.setAttribute(ATTR_ERROR_TYPE, typeof code === "string" ? code : "_OTHER");
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}

/** The active span as W3C's `traceparent`, for what is stored and worked on later; undefined where nothing is traced. */
export function currentTrace(): string | undefined {
  const span = opened === 0 ? undefined : trace.getSpan(context.active());
  if (span === undefined) return undefined;
  const { traceId, spanId, traceFlags } = span.spanContext();
  if (!isSpanContextValid(span.spanContext()) || !(traceFlags & TraceFlags.SAMPLED)) return undefined;
  return `00-${traceId}-${spanId}-01`;
}

function linksTo(causes: Iterable<string | undefined>): Link[] {
  const distinct = new Set([...causes].filter((cause) => cause !== undefined));
  return [...distinct].slice(0, mostLinks).flatMap((cause) => {
    const linked = parsed(cause);
    return linked === undefined ? [] : [{ context: linked }];
  });
}

function parsed(traceparent: string): SpanContext | undefined {
  const [, traceId, spanId, flags] = header.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const found = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(found) ? found : undefined;
}
