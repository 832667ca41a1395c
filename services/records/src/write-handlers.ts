import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { RecordsWriteService } from "@wellapi/gen/wellapi/internal/records/v1/records_write_service_pb";
import { callerKey, partyOf } from "@wellapi/rpc";
import type { Pairwise } from "@wellapi/vault";
import type { createAppend } from "./append.ts";
import type { Batch } from "./batch.ts";
import { observationBatch, receiptInit, seriesBatch } from "./convert.ts";
import { methodOf } from "./method-convert.ts";
import type { createRetract } from "./retract.ts";

export function createWriteHandlers(deps: {
  readonly append: ReturnType<typeof createAppend>;
  readonly retract: ReturnType<typeof createRetract>;
  readonly pairwise: Pairwise;
}): ServiceImpl<typeof RecordsWriteService> {
  const { append, retract, pairwise } = deps;

  async function appendBatch(batch: Batch, context: HandlerContext) {
    const caller = context.values.get(callerKey);
    const outcome = await append.append(caller, methodOf(context), batch);
    return { receipt: receiptInit(pairwise, partyOf(caller), outcome) };
  }

  return {
    appendSeries: (request, context) => appendBatch(seriesBatch(request), context),
    appendObservations: (request, context) => appendBatch(observationBatch(request), context),
    async retractBatch({ retraction }, context) {
      const caller = context.values.get(callerKey);
      const { patient, batch } = retraction!;
      const intent = {
        caller,
        method: methodOf(context),
        patient,
        direction: "contribute" as const,
        codes: [],
        requestId: batch,
      };
      const sequence = await retract.retract(intent, pairwise.inward(partyOf(caller), "bat", batch));
      return { sequence: BigInt(sequence) };
    },
  };
}
