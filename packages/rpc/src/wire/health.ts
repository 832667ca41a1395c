import { Code, ConnectError } from "@connectrpc/connect";
import { Health, HealthCheckResponse_ServingStatus as Status } from "@wellapi/gen/grpc/health/v1/health_pb";
import { type Route, route } from "./route.ts";

/** The standard health service (grpc.health.v1), which orchestrators and load balancers ask. */
export interface HealthState {
  readonly route: Route;
  /** From now on every service is NOT_SERVING; watchers are notified. */
  drain(): void;
}

/** SERVING for "" (the whole server) and each service named. */
export function createHealth(services: readonly string[]): HealthState {
  const known = new Set(["", ...services]);
  const draining = new AbortController();
  const status = (): Status => (draining.signal.aborted ? Status.NOT_SERVING : Status.SERVING);
  return {
    route: route(Health, {
      check({ service }) {
        if (!known.has(service)) throw new ConnectError(`no service "${service}" here`, Code.NotFound);
        return { status: status() };
      },
      list: () => ({
        statuses: Object.fromEntries([...known].map((service) => [service, { status: status() }])),
      }),
      async *watch({ service }, context) {
        if (!known.has(service)) yield { status: Status.SERVICE_UNKNOWN };
        else {
          yield { status: status() };
          if (!draining.signal.aborted) {
            await aborted(AbortSignal.any([draining.signal, context.signal]));
            context.signal.throwIfAborted();
            yield { status: status() };
          }
        }
        await aborted(context.signal); // The client ends the watch.
      },
    }),
    drain: () => draining.abort(),
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
