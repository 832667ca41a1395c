import { expect, test } from "vitest";
import { createLogger, type LogFields, type Logger } from "../src/logger.ts";

function capture(env: Record<string, string> = {}): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLogger({ name: "test", env: { WELLAPI_LOG_FORMAT: "json", ...env }, destination });
  return { log, lines };
}

test("writes one JSON object a line with level, time, fields and message", () => {
  const { log, lines } = capture();
  log.child({ workload: "records" }).info({ method: "ReadSeries", duration_ms: 3 }, "served");
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0]!)).toMatchObject({
    level: "info",
    name: "test",
    workload: "records",
    method: "ReadSeries",
    duration_ms: 3,
    msg: "served",
    time: expect.stringMatching(/^\d{4}-.*Z$/),
  });
});

test("obeys the level", () => {
  const { log, lines } = capture({ WELLAPI_LOG_LEVEL: "error" });
  log.warn("not this");
  log.error("this");
  expect(lines).toHaveLength(1);
});

const canary = "CANARY-98.6";

test.each<[string, (log: Logger) => void]>([
  ["an unlisted field", (log) => log.info({ value: canary, patient: canary } as LogFields, "x")],
  ["an object in a listed field", (log) => log.info({ reason: { value: canary } }, "x")],
  ["a child's binding", (log) => log.child({ authorization: canary } as LogFields).info("x")],
  ["an unlisted field of a child", (log) => log.child({ patient: canary } as LogFields).info("x")],
  [
    "an API key in a listed field of a child's child",
    (log) =>
      log
        .child({})
        .child({ reason: `wellapi_sk_${canary}` })
        .info("x"),
  ],
  ["mantissas", (log) => log.info({ mantissas: [canary] } as LogFields, "x")],
  ["bytes", (log) => log.info({ bytes: Buffer.from(canary) }, "x")],
  [
    "a property of an error",
    (log) => log.info({ err: Object.assign(new Error("x"), { sample: canary }) }, "x"),
  ],
  ["an API key in a message", (log) => log.info(`refused wellapi_sk_${canary}`)],
  [
    "a bearer token in an error's message",
    (log) => log.info({ err: new Error(`sent Bearer ${canary}`) }, "x"),
  ],
  [
    "a JWT in a cause",
    (log) => log.info({ err: new Error("x", { cause: new Error(`eyJhbGciOi.eyJ.${canary}`) }) }, "x"),
  ],
  [
    "a private key in a listed field",
    (log) => log.info({ reason: `-----BEGIN PRIVATE KEY-----\n${canary}\n-----END PRIVATE KEY-----` }, "x"),
  ],
])("%s never gets in", (_name, write) => {
  for (const format of ["json", "pretty"]) {
    const { log, lines } = capture({ WELLAPI_LOG_FORMAT: format });
    write(log);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join("")).not.toContain(canary);
  }
});

test("a caller's address is a pseudonym, the same for 30 days and for every part of the process, then another", () => {
  let now = 5_000;
  const lines: string[] = [];
  const options = {
    env: { WELLAPI_LOG_FORMAT: "json" },
    destination: { write: (line: string) => void lines.push(line) },
  };
  const log = createLogger({ name: "test", ...options, monotonic: () => now });
  const named = (address: unknown, by: Logger = log): string => {
    by.info({ caller_address: address }, "call");
    return JSON.parse(lines.at(-1)!).caller_address;
  };
  const first = named("203.0.113.77");
  expect(first).toMatch(/^[\w-]{16}$/);
  expect(named("203.0.113.78")).not.toBe(first);
  expect(named("2001:DB8::1")).toBe(named("2001:db8::1"));
  now += 30 * 86_400_000 - 1;
  // The gRPC door and the gateway see one address in two forms.
  expect(named("::ffff:203.0.113.77", log.child({ workload: "gateway" }))).toBe(first);
  now += 1;
  const second = named("203.0.113.77");
  expect(second).not.toBe(first);
  expect(named("203.0.113.77")).toBe(second);
  // Another process cannot name it.
  expect(named("203.0.113.77", createLogger({ name: "test", ...options }))).not.toBe(second);
  named(undefined);
  log.child({ caller_address: "203.0.113.77" }).info("bound");
  named({ ip: "203.0.113.77" });
  expect(lines.join("")).not.toContain("203.0.113");
});

test("an error keeps its type, code, message, stack and cause", () => {
  const { log, lines } = capture();
  const cause = new TypeError("disk is full");
  log.error({ err: Object.assign(new Error("commit failed", { cause }), { code: "unavailable" }) }, "x");
  expect(JSON.parse(lines[0]!).err).toMatchObject({
    type: "Error",
    code: "unavailable",
    message: "commit failed",
    stack: expect.stringContaining("logger.test.ts"),
    cause: { type: "TypeError", message: "disk is full" },
  });
});
