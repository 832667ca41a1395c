import { type DescService, getOption, hasOption } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { forwardingRoute } from "@wellapi/gateway";
import { service_callers } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import {
  type AnswerGuard,
  type Authentication,
  type Budget,
  createDoor,
  type Door,
  type EndedRequests,
  isPublic,
  type Route,
  type StreamLimit,
  serverInterceptors,
  type UnreadAnswers,
} from "@wellapi/rpc";
import type { Logger } from "@wellapi/runtime";
import type { Registry } from "@wellapi/service";

/** Whether the contract is for this service's own surfaces, and for no caller from outside. */
function isForSurfaces(service: DescService, name: string): boolean {
  return hasOption(service, service_callers) && getOption(service, service_callers).surfaces.includes(name);
}

/**
 * The only way from a service's HTTP surfaces to services: the interceptors of a door, and behind them the service's
 * own public RPCs in this process, and those of other services over the network, called as its own workload. Their
 * contracts say whether they take its calls.
 */
export function createSurfaceDoor(options: {
  readonly registry: Registry;
  /** Of the service that owns the surfaces. */
  readonly name: string;
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
  /** Absent: the surfaces have no callers with an organization. */
  readonly requests?: EndedRequests | undefined;
  readonly log: Logger;
}): Door {
  const { registry, upstream, authentication, answers, streamLimit, unread, budget, requests, log } = options;
  const { routes, name } = options;
  const own = routes.filter(({ service }) => isPublic(service) || isForSurfaces(service, name));
  const others = registry.publicContracts.filter(({ typeName }) =>
    own.every(({ service }) => service.typeName !== typeName),
  );
  return createDoor({
    routes: [...own, ...others.map((service) => forwardingRoute(service, upstream, "http1"))],
    interceptors: serverInterceptors({
      log,
      surface: name,
      authentication,
      streamLimit,
      budget,
      ...(requests && { requests }),
      ...(answers && { release: { guard: answers, guards: registry.isConsented, unread } }),
      selfValidating: registry.services.flatMap((service) => service.selfValidating ?? []),
    }),
  });
}
