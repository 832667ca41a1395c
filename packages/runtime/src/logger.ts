import { createRequire } from "node:module";
import pino from "pino";
import type { prettyFactory } from "pino-pretty";
import { createAddressPseudonyms } from "./address-pseudonym.ts";
import type { Env } from "./config.ts";
import { type LogField, redactedPaths, scrubFields, scrubText } from "./redaction.ts";

/** Names from the list in redaction.ts. What comes under another name is dropped, and the name is kept under `dropped`. */
export type LogFields = { readonly [name in LogField]?: unknown };

export interface LogMethod {
  (fields: LogFields, message: string): void;
  (message: string): void;
}

export interface Logger {
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  readonly fatal: LogMethod;
  /** A logger that adds these fields to each line. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  /** What writes, for example `wellapi`. */
  readonly name: string;
  /**
   * `WELLAPI_LOG_LEVEL` (debug, info, warn, error, fatal, silent; default info), `WELLAPI_LOG_FORMAT` (json,
   * pretty; default: pretty where stderr is a terminal).
   */
  readonly env: Env;
  /** Where lines go instead of stderr. */
  readonly destination?: { write(line: string): void };
  /** Monotonic milliseconds, by which pseudonyms of addresses age; the process's own unless given. */
  readonly monotonic?: () => number;
}

const levels = ["debug", "info", "warn", "error", "fatal", "silent"];

/** One JSON object a line on stderr, or lines for people on a terminal. Redaction is central: redaction.ts. */
export function createLogger(options: LoggerOptions): Logger {
  const { name, env, destination, monotonic = () => performance.now() } = options;
  const pseudonym = createAddressPseudonyms(monotonic);
  const scrub = (fields: Readonly<Record<string, unknown>>) => scrubFields(fields, pseudonym);
  const wanted = env.WELLAPI_LOG_LEVEL?.toLowerCase() ?? "info";
  const format = env.WELLAPI_LOG_FORMAT;
  const pretty = format === "pretty" || (format !== "json" && process.stderr.isTTY === true && !destination);
  const out = destination ?? pino.destination({ fd: 2, sync: true });
  const stream = pretty ? forPeople(out, env) : out;
  const log = pino(
    {
      level: levels.includes(wanted) ? wanted : "info",
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: [...redactedPaths], censor: "[redacted]" },
      formatters: {
        level: (label) => ({ level: label }),
        log: scrub,
      },
      // The fields were scrubbed by then; pino's own serializer would take an error apart again.
      serializers: { err: (value: unknown) => value },
      hooks: {
        logMethod(args, method) {
          const clean = args.map((argument: unknown) =>
            typeof argument === "string" ? scrubText(argument) : argument,
          );
          method.apply(this, clean as typeof args);
        },
      },
    },
    stream,
  );
  // pino gives its formatters the fields of a line only, not a child's. Children inherit this method.
  const { child } = log;
  log.child = function scrubbedChild(this: typeof log, fields: pino.Bindings) {
    return child.call(this, scrub(fields));
  } as typeof child;
  return log;
}

/** Lines for people. What writes them is loaded only here: a server's log is JSON. */
function forPeople(out: { write(line: string): void }, env: Env): { write(line: string): void } {
  const pretty = createRequire(import.meta.url)("pino-pretty") as {
    readonly prettyFactory: typeof prettyFactory;
  };
  const people = pretty.prettyFactory({
    colorize: process.stderr.isTTY === true && env.NO_COLOR === undefined,
    ignore: "pid,hostname,name",
    translateTime: "HH:MM:ss.l",
    singleLine: true,
  });
  return { write: (line) => out.write(people(line)) };
}

const nothing: LogMethod = () => {};

/** Writes nothing. For tests. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  fatal: nothing,
  child: () => silentLogger,
};
