import { createClient, type Transport } from "@connectrpc/connect";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { RecordsWriteService } from "@wellapi/gen/wellapi/internal/records/v1/records_write_service_pb";
import { TerminologyService } from "@wellapi/gen/wellapi/terminology/v1/terminology_service_pb";
import { resolveLocalTime } from "@wellapi/normalize/time-zone";
import { type Route, route } from "@wellapi/rpc";
import type { Logger } from "@wellapi/runtime";
import type { OrganizationTimes } from "@wellapi/service";
import type { Terminology } from "@wellapi/terminology";
import { createIngestionHandlers } from "./handlers.ts";
import { createTerminologyHandlers } from "./terminology-handlers.ts";

export interface IngestionDeps {
  /** Calls RecordsWriteService as the workload `ingestion`, on behalf of the caller (rpc's `asCaller`). */
  readonly records: Transport;
  /** The codes and their ranges: the same for every service that decides. */
  readonly terminology: Terminology;
  /** What time it is for each organization. */
  readonly times: OrganizationTimes;
  readonly log: Logger;
}

export interface OpenIngestionService {
  /** IngestionService and TerminologyService. Its servers are given `ingestionSelfValidating`. */
  readonly routes: readonly Route[];
  /** The service holds nothing: the servers that drain its calls are closed before it. */
  close(): Promise<void>;
}

export async function openIngestionService(deps: IngestionDeps): Promise<OpenIngestionService> {
  const records = createClient(RecordsWriteService, deps.records);
  // Both load their tables at the first use (some 20 ms): here, so that no caller waits for it.
  deps.terminology.checkUnit("8867-4", "/min");
  resolveLocalTime("2000-01-01T00:00:00", "Europe/Berlin");
  const { terminology, times, log } = deps;
  return {
    routes: [
      route(IngestionService, createIngestionHandlers({ records, terminology, times, log })),
      route(TerminologyService, createTerminologyHandlers(terminology)),
    ],
    close: async () => {},
  };
}
