import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { RecordsWriteService } from "@wellapi/gen/wellapi/internal/records/v1/records_write_service_pb";
import { callerKey, callersOf, partyOf } from "@wellapi/rpc";
import type { FairShare } from "@wellapi/runtime";
import type { Terminology } from "@wellapi/terminology";
import type { Pairwise } from "@wellapi/vault";
import { tenantOf } from "../gate/subject.ts";
import { codesWithin } from "../gate/token-scope.ts";
import type { createAppend } from "../write/append.ts";
import type { Batch } from "../write/batch.ts";
import type { createRetract } from "../write/retract.ts";
import { observationBatch, receiptInit, seriesBatch } from "./convert.ts";

export function createWriteHandlers(deps: {
  readonly append: ReturnType<typeof createAppend>;
  readonly retract: ReturnType<typeof createRetract>;
  readonly pairwise: Pairwise;
  readonly terminology: Terminology;
  /** Learns of writers, so that they count as present beside those who read. */
  readonly share: Pick<FairShare, "saw">;
}): ServiceImpl<typeof RecordsWriteService> {
  const { append, retract, pairwise, terminology, share } = deps;
  const withinOf = (context: HandlerContext) =>
    codesWithin(
      terminology,
      context.values.get(callerKey).principal,
      callersOf(context.method)?.scopes ?? [],
    );

  async function appendBatch(batch: Batch, method: string, context: HandlerContext) {
    const caller = context.values.get(callerKey);
    share.saw(tenantOf(caller));
    const outcome = await append.append(caller, method, batch, withinOf(context));
    return { receipt: receiptInit(pairwise, partyOf(caller), batch.kind, outcome) };
  }

  return {
    appendSeries: (request, context) => appendBatch(seriesBatch(request), request.method, context),
    appendObservations: (request, context) => appendBatch(observationBatch(request), request.method, context),
    async retractBatch({ retraction, method }, context) {
      const caller = context.values.get(callerKey);
      const { patient, target } = retraction!;
      const named = target.value ?? "";
      const intent = {
        caller,
        method,
        patient,
        direction: "contribute" as const,
        codes: [],
        within: withinOf(context),
        requestId: named,
      };
      const { timeMs, items } = await retract.retract(
        intent,
        target.case === "batchRequestId"
          ? { requestId: named }
          : { batch: pairwise.inward(partyOf(caller), "bat", named) },
      );
      return { retractTime: timestampFromMs(timeMs), items };
    },
  };
}
