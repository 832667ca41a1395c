/**
 * What may enter a log. Three fences, each enough alone for its kind of leak: only the fields listed here are
 * written at all, only as short plain values, and every text is searched for the shapes of secrets.
 */

/** Field names that may be logged. Names of things that carry a person, a value or a secret are never added. */
const logFields = [
  // Where this installation listens. A caller's address is `caller_address`.
  "address",
  // An application's opaque id: a partner's program, never a person.
  "application",
  "area",
  "attempt",
  "attempts",
  "bytes",
  // Written as a pseudonym of 30 days (address-pseudonym.ts).
  "caller_address",
  "code",
  "collection",
  "commits",
  "consumer",
  "count",
  "delay_ms",
  // The opaque key of a damaged document, its partition first: nothing else shows an operator where the damage lies.
  "document",
  "duration_ms",
  // A webhook endpoint's opaque id.
  "endpoint",
  "engine",
  "err",
  "event",
  "field",
  "file",
  "grace_ms",
  "host",
  "http_status",
  "kid",
  "lag",
  "limit",
  "method",
  "name",
  "operation",
  "pending",
  "pid",
  "port",
  "principal_kind",
  "profile",
  "protocol",
  "queue",
  "reason",
  "request_id",
  "retry_after_ms",
  "rpc",
  "sequence",
  "server",
  "service",
  "session",
  "signal",
  "size",
  "span_id",
  "state",
  "status",
  "stream",
  "subject",
  "surface",
  "trace_id",
  "tree_size",
  "url_path",
  "version",
  "workload",
] as const;

/** A field that may be logged. */
export type LogField = (typeof logFields)[number];

const allowed: ReadonlySet<string> = new Set(logFields);

/** Fields that pino itself removes by path, should a serializer ever let an object through. */
export const redactedPaths: readonly string[] = [
  "authorization",
  "cookie",
  "token",
  "api_key",
  "private_key",
  "password",
  "secret",
  "mantissas",
  "value",
  "values",
].flatMap((name) => [name, `*.${name}`]);

const maximumText = 2_000;

const secrets: readonly RegExp[] = [
  /wellapi_[a-z]{2}_[A-Za-z0-9_-]+/g, // API keys and the like
  /\beyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){1,4}/g, // JWT, JWE
  /\bbearer\s+\S+/gi,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
];

/** The text without anything that has the shape of a secret, cut at 2,000 characters. */
export function scrubText(text: string): string {
  // Searching for secrets takes a time that grows with the square of the text.
  let scrubbed = text.slice(0, 2 * maximumText);
  for (const pattern of secrets) scrubbed = scrubbed.replace(pattern, "[redacted]");
  return scrubbed.length > maximumText ? `${scrubbed.slice(0, maximumText)}…` : scrubbed;
}

function scrubError(error: Error, depth = 0): object {
  const code: unknown = "code" in error ? error.code : undefined;
  return {
    type: error.name,
    message: scrubText(error.message),
    ...(typeof code === "string" || typeof code === "number" ? { code } : {}),
    ...(error.stack === undefined ? {} : { stack: scrubText(error.stack) }),
    ...(error.cause instanceof Error && depth < 4 ? { cause: scrubError(error.cause, depth + 1) } : {}),
  };
}

function scrubValue(value: unknown): unknown {
  switch (typeof value) {
    case "string":
      return scrubText(value);
    case "number":
    case "boolean":
      return value;
    case "bigint":
      return value.toString();
    case "undefined":
      return undefined;
    default:
      if (value === null) return null;
      if (value instanceof Error) return scrubError(value);
      return "[redacted: not a plain value]";
  }
}

/**
 * The fields that may be logged; of the others only the names, under `dropped`. `pseudonym` gives what is written of a caller's
 * address.
 */
export function scrubFields(
  fields: Readonly<Record<string, unknown>>,
  pseudonym: (address: string) => string,
): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  const dropped: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (name === "caller_address") {
      if (typeof value === "string") kept[name] = pseudonym(value);
    } else if (allowed.has(name)) kept[name] = scrubValue(value);
    else dropped.push(name.slice(0, 40));
  }
  if (dropped.length > 0) kept.dropped = scrubText(dropped.join(","));
  return kept;
}
