import { JournalService } from "@wellapi/gen/wellapi/internal/keys/v1/journal_service_pb";
import { KeyService } from "@wellapi/gen/wellapi/internal/keys/v1/key_service_pb";
import type { JournalRepository } from "@wellapi/journal";
import { type Route, route } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import { createKeyRepository, vaultCollections } from "@wellapi/vault";
import { createKeyHandlers } from "./handlers.ts";
import { createJournalHandlers } from "./journal-handlers.ts";

/** The collections of this service. */
export const keysCollections = vaultCollections;

export interface KeysDeps {
  /** Declares `keysCollections`. An engine that can scrub: a destroyed key must leave its files. */
  readonly store: Store;
  readonly journal: JournalRepository;
  readonly clock: Clock;
}

export interface OpenKeysService {
  readonly routes: readonly Route[];
  /** The service holds nothing: the store stays open. */
  close(): Promise<void>;
}

export async function openKeysService({ store, journal, clock }: KeysDeps): Promise<OpenKeysService> {
  return {
    routes: [
      route(KeyService, createKeyHandlers(createKeyRepository(store), clock)),
      route(JournalService, createJournalHandlers(journal)),
    ],
    close: async () => {},
  };
}
