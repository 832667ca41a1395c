import type { AccessLog } from "@wellapi/access-log";
import { CodeReleaseService } from "@wellapi/gen/wellapi/codes/v1/code_release_service_pb";
import { CodeService } from "@wellapi/gen/wellapi/codes/v1/code_service_pb";
import { type Route, route } from "@wellapi/rpc";
import type { Clock, Ids } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import type { Terminology } from "@wellapi/terminology";
import type { Pairwise } from "@wellapi/vault";
import { createAccesses } from "./accesses.ts";
import { firstOf } from "./catalog/catalog.ts";
import { exchangeProperties } from "./catalog/exchange-codes.ts";
import { createShippedCatalog } from "./catalog/shipped.ts";
import { vendorMaps } from "./catalog/vendor-maps.ts";
import { createCodeHandlers } from "./code-handlers.ts";
import { createReleaseCatalog } from "./releases/release-catalog.ts";
import { createReleaseHandlers } from "./releases/release-handlers.ts";
import { createReleaseRepository } from "./releases/release-repository.ts";

export interface CodesDeps {
  readonly store: Store;
  readonly accessLog: AccessLog;
  readonly pairwise: Pairwise;
  readonly terminology: Terminology;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** @returns CodeService and CodeReleaseService */
export function createCodesService(deps: CodesDeps): { readonly routes: readonly Route[] } {
  const { store, terminology, clock, ids } = deps;
  const releases = createReleaseRepository(store);
  // A loaded release comes before the part of its code system that ships.
  const catalog = firstOf([createReleaseCatalog(store, releases), createShippedCatalog(terminology)]);
  const properties = (system: string, code: string) => exchangeProperties(terminology, system, code);
  return {
    routes: [
      route(CodeService, createCodeHandlers({ catalog, maps: vendorMaps(terminology), properties })),
      route(
        CodeReleaseService,
        createReleaseHandlers({ logged: createAccesses(deps), releases, clock, ids }),
      ),
    ],
  };
}
