import { once } from "node:events";
import { flushCompileCache } from "node:module";
import { ConfigError, createLogger, type Env, openTelemetry, type Telemetry } from "@wellapi/runtime";
import { HostError } from "../errors.ts";
import { isServiceName, type ServiceName, serviceNames } from "../services.ts";
import { parseServiceConfig } from "./config.ts";
import { openServedService, type ServedService } from "./serve.ts";

export interface RunServiceOptions {
  readonly service: string;
  readonly env: Env;
  /** Stops when standard input ends: for a service that must not outlive its launcher. */
  readonly attached: boolean;
}

/** Runs one service until SIGINT or SIGTERM; resolves with the process's exit code. */
export async function runService({ service, env, attached }: RunServiceOptions): Promise<number> {
  if (!isServiceName(service)) {
    process.stderr.write(`"${service}" is no service: choose one of ${serviceNames.join(", ")}\n`);
    return 2;
  }
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop);
  if (attached) process.stdin.once("close", stop).resume();
  try {
    return await serveUntil(stopping.signal, service, env);
  } finally {
    if (attached) process.stdin.destroy(); // it would keep the process running
  }
}

async function serveUntil(stopping: AbortSignal, service: ServiceName, env: Env): Promise<number> {
  let telemetry: Telemetry;
  let served: ServedService;
  const log = createLogger({ name: service, env });
  try {
    const config = parseServiceConfig(service, env);
    telemetry = await openTelemetry({ serviceName: `wellapi-${service}`, env });
    served = await openServedService(service, config, log, stopping);
  } catch (error) {
    if (error instanceof ConfigError || error instanceof HostError) {
      process.stderr.write(`${error.message}\n`);
      return 1;
    }
    if (stopping.aborted) return 0; // A signal to stop came during the wait for other services.
    throw error;
  }
  process.stdout.write(`${JSON.stringify(served.announcement)}\n`);
  flushCompileCache(); // for the next start, even if this process is killed
  if (!stopping.aborted) await once(stopping, "abort");
  await served.close();
  await telemetry.close();
  return 0;
}
