import type { Transport } from "@connectrpc/connect";
import { forwardingRoute } from "@wellapi/gateway";
import {
  type AnswerGuard,
  type Authentication,
  type Budget,
  createDoor,
  type Door,
  isPublic,
  type Route,
  type StreamLimit,
  serverInterceptors,
  type UnreadAnswers,
} from "@wellapi/rpc";
import type { Logger } from "@wellapi/runtime";
import type { Registry } from "@wellapi/service";

/**
 * The only way from a service's HTTP surfaces to services: the interceptors of a door, and behind them the service's
 * own public RPCs in this process, and those of other services over the network, called as its own workload. Their
 * contracts say whether they take its calls.
 */
export function createSurfaceDoor(options: {
  readonly registry: Registry;
  /** The service that owns the surfaces. */
  readonly routes: readonly Route[];
  /** Calls other services as the owner's workload; without credentials. */
  readonly upstream: Transport;
  /** Exchanges callers' credentials for tokens of the owner's workload. */
  readonly authentication: Authentication;
  /** Absent: no answer about a patient leaves by these surfaces. */
  readonly answers?: AnswerGuard;
  readonly streamLimit: StreamLimit;
  readonly budget: Budget;
  readonly unread: UnreadAnswers;
  readonly log: Logger;
}): Door {
  const { registry, upstream, authentication, answers, streamLimit, unread, budget, log } = options;
  const own = options.routes.filter(({ service }) => isPublic(service));
  const others = registry.publicContracts.filter(({ typeName }) =>
    own.every(({ service }) => service.typeName !== typeName),
  );
  return createDoor({
    routes: [...own, ...others.map((service) => forwardingRoute(service, upstream, "http1"))],
    interceptors: serverInterceptors({
      log,
      authentication,
      streamLimit,
      budget,
      ...(answers && { release: { guard: answers, guards: registry.isConsented, unread } }),
      selfValidating: registry.services.flatMap((service) => service.selfValidating ?? []),
    }),
  });
}
