import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { ServiceImpl, Transport } from "@connectrpc/connect";
import { type Logger, silentLogger } from "@wellapi/runtime";
import type { AnswerGuard } from "./answers/guarded-answer.ts";
import type { Authentication } from "./caller/authentication.ts";
import type { Caller } from "./caller/caller.ts";
import { serverInterceptors } from "./interceptors/list.ts";
import { createMemoryTransport } from "./wire/memory-transport.ts";
import type { Route } from "./wire/route.ts";

/** Trusts what the test says. For tests only. */
export function createTrustingAuthentication(caller: Caller | (() => Caller)): Authentication {
  return {
    recheckMs: 60_000,
    forget: () => {},
    authenticate: async () => ({ caller: typeof caller === "function" ? caller() : caller }),
  };
}

/**
 * A transport to the routes on which every call is made by `caller` (with its workload), behind the real list of
 * interceptors: authorization and validation hold. For tests only.
 */
export function createTestTransport(options: {
  readonly routes: readonly Route[];
  readonly caller: Caller | (() => Caller);
  readonly log?: Logger;
  readonly selfValidating?: readonly DescMethod[];
}): Transport {
  return createMemoryTransport({
    routes: options.routes,
    workload: "test",
    interceptors: serverInterceptors({
      log: options.log ?? silentLogger,
      authentication: createTrustingAuthentication(options.caller),
      ...(options.selfValidating === undefined ? {} : { selfValidating: options.selfValidating }),
    }),
  });
}

/** A guard for tests in which consents never change. */
export const nothingChanges: AnswerGuard = {
  begin: () => ({ about: () => {}, objection: () => undefined, onObjection: () => () => {} }),
};

/** A route with some of the service's methods; the others answer UNIMPLEMENTED. For tests only. */
export function partialRoute<S extends DescService>(
  service: S,
  implementation: Partial<ServiceImpl<S>>,
): Route {
  return { service, implementation };
}
