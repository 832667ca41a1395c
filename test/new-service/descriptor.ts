import { fromBinary } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { handledEventsCollections, openIdempotentConsumer } from "@wellapi/events";
import { BatchCommittedSchema } from "@wellapi/gen/wellapi/internal/records/v1/records_events_pb";
import { callerKey, type Route } from "@wellapi/rpc";
import { describeService, numberSetting } from "@wellapi/service";
import type { Document, Store } from "@wellapi/store";
import { TallyService } from "./contract.ts";
import { tallySurface } from "./tally-surface.ts";

type Tally = Document & { readonly batches: number };

const collection = "tallies";
const tallies = [{ name: collection, key: ["partition"], indexes: [] }] as const;
const consumed = "records.batch.committed";

/** The smallest service that has everything: an RPC, a collection, a consumer of events, an HTTP surface, a setting. */
export const tallyService = describeService({
  name: "tally",
  contracts: [TallyService],
  store: {
    collections: [...tallies, ...handledEventsCollections],
    check: async () => ({ collections: tallies, documents: {} }),
  },
  needs: ["events"],
  consumes: [consumed],
  calls: [],
  replicas: "many",
  surfaces: [tallySurface],
  settings: {
    step: numberSetting("WELLAPI_TALLY_STEP", { fallback: 1, min: 1, max: 100 }, "what a batch counts"),
  },
  async compose(platform, { step }) {
    const { log, closers } = platform;
    const store = await platform.openStore();
    const consumer = await openIdempotentConsumer({
      events: await platform.openEvents([]),
      store,
      durable: "tally",
      subjects: [consumed],
      partitionOf: ({ data }) => fromBinary(BatchCommittedSchema, data).partition,
      effectOf: async ({ data }) => ({
        changes: [await counted(store, fromBinary(BatchCommittedSchema, data).partition, step)],
      }),
      onError: (err) => log.warn({ err }, "handled events were not removed"),
    });
    closers.push("tally", () => consumer.close());
    return { routes: [tallyRoute(store)] };
  },
});

async function counted(store: Store, partition: string, step: number) {
  const stored = await store.get<Tally>(collection, [partition]);
  if (stored === undefined) {
    return { kind: "insert", collection, document: { partition, batches: step } } as const;
  }
  const document = { partition, batches: stored.document.batches + step };
  return { kind: "replace", collection, document, ifRevision: stored.revision } as const;
}

function tallyRoute(store: Store): Route {
  return {
    service: TallyService,
    implementation: {
      async getTally(_request: unknown, context: HandlerContext) {
        const { principal } = context.values.get(callerKey);
        if (principal.partition === undefined) throw new TypeError("the contract permits patients only");
        const stored = await store.get<Tally>(collection, [principal.partition]);
        return { batches: stored?.document.batches ?? 0 };
      },
    },
  };
}
