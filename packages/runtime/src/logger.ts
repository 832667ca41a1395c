import pino from "pino";
import { prettyFactory } from "pino-pretty";
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
}

const levels = ["debug", "info", "warn", "error", "fatal", "silent"];

/** One JSON object a line on stderr, or lines for people on a terminal. Redaction is central: redaction.ts. */
export function createLogger(options: LoggerOptions): Logger {
  const { name, env, destination } = options;
  const wanted = env.WELLAPI_LOG_LEVEL?.toLowerCase() ?? "info";
  const format = env.WELLAPI_LOG_FORMAT;
  const pretty = format === "pretty" || (format !== "json" && process.stderr.isTTY === true && !destination);
  const out = destination ?? pino.destination({ fd: 2, sync: true });
  const people = prettyFactory({
    colorize: process.stderr.isTTY === true && env.NO_COLOR === undefined,
    ignore: "pid,hostname,name",
    translateTime: "HH:MM:ss.l",
    singleLine: true,
  });
  const stream = pretty ? { write: (line: string) => out.write(people(line)) } : out;
  return pino(
    {
      level: levels.includes(wanted) ? wanted : "info",
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: [...redactedPaths], censor: "[redacted]" },
      formatters: {
        level: (label) => ({ level: label }),
        bindings: scrubFields,
        log: scrubFields,
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
