import { flushCompileCache } from "node:module";
import { ConfigError, createLogger, type Env, openTelemetry, type Telemetry } from "@wellapi/runtime";
import { announce, announceJson } from "./announcement.ts";
import { parseExchangeConfig } from "./config.ts";
import { HostError } from "./errors.ts";
import { type Exchange, openExchange } from "./exchange.ts";

export interface RunOptions {
  readonly env: Env;
  /** Announce as JSON. */
  readonly json: boolean;
}

/** Runs an exchange until SIGINT or SIGTERM; resolves with the process's exit code. */
export async function run({ env, json }: RunOptions): Promise<number> {
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, resolve);
  });
  let exchange: Exchange;
  let telemetry: Telemetry;
  try {
    const config = parseExchangeConfig(env);
    const log = createLogger({ name: "wellapi", env });
    telemetry = await openTelemetry({ serviceName: "wellapi", env });
    exchange = await openExchange(config, log);
  } catch (error) {
    if (error instanceof ConfigError || error instanceof HostError) {
      process.stderr.write(`${error.message}\n`);
      return 1;
    }
    throw error;
  }
  process.stdout.write(`${json ? announceJson(exchange) : announce(exchange)}\n`);
  flushCompileCache(); // for the next start, even if this process is killed
  await stopped;
  await exchange.close();
  await telemetry.close();
  return 0;
}
