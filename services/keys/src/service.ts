import { KeyService } from "@wellapi/gen/wellapi/keys/v1/key_service_pb";
import { type Route, route } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import { createKeyRepository, vaultCollections } from "@wellapi/vault";
import { createKeyHandlers } from "./handlers.ts";

/** What the service keeps in its store. */
export const keysCollections = vaultCollections;

export interface KeysDeps {
  /** Declares `keysCollections`. An engine that can scrub: a destroyed key must leave its files. */
  readonly store: Store;
  readonly clock: Clock;
}

export interface OpenKeysService {
  readonly routes: readonly Route[];
  /** The service holds nothing: the store stays open. */
  close(): Promise<void>;
}

export async function openKeysService({ store, clock }: KeysDeps): Promise<OpenKeysService> {
  return {
    routes: [route(KeyService, createKeyHandlers(createKeyRepository(store), clock))],
    close: async () => {},
  };
}
