import type { DescMethod } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { type Route, route } from "@wellapi/rpc";
import type { Clock, Logger } from "@wellapi/runtime";
import { createIngestionHandlers } from "./handlers.ts";
import { terminology } from "./terminology.ts";

export interface IngestionDeps {
  /** To records, on behalf of the current caller: `asCaller` of packages/rpc. */
  readonly records: Transport;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Nothing is settable: the contract states the limits. */
export type IngestionConfig = Readonly<Record<string, never>>;

export interface IngestionServer {
  readonly routes: readonly Route[];
  close(): Promise<void>;
}

/** Streaming methods that check each message themselves: pass them to `serverInterceptors`. */
export const ingestionSelfValidating: readonly DescMethod[] = [
  IngestionService.method.streamSeries,
  IngestionService.method.streamObservations,
];

/** Opens the service. It holds nothing: what it takes in is with records once it is answered. */
export async function openIngestionService(
  _: IngestionConfig,
  deps: IngestionDeps,
): Promise<IngestionServer> {
  const handlers = createIngestionHandlers({ ...deps, vocabulary: terminology });
  return { routes: [route(IngestionService, handlers)], close: async () => {} };
}
