import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { Erasure_State } from "@wellapi/gen/wellapi/records/v1/records_pb";
import type { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { ReceiptKey } from "@wellapi/receipts";
import { ALWAYS } from "../model/interval.ts";
import type { Erase } from "../write/erase.ts";
import type { Erasure } from "../write/erasure.ts";
import { erasureReceipt } from "./erasure-receipt-convert.ts";
import { readIntent } from "./read-request-convert.ts";

export interface ErasureHandlersDeps {
  readonly erase: Erase;
  /** Signs receipts of erasures. */
  readonly receiptKey: Pick<ReceiptKey, "sign">;
  /** How long backups may hold a destroyed key. */
  readonly backupRetentionMs: number;
}

export function createErasureHandlers({
  erase,
  receiptKey,
  backupRetentionMs,
}: ErasureHandlersDeps): Pick<ServiceImpl<typeof RecordsService>, "erasePatient" | "getErasure"> {
  const intentOf = (patient: string, context: HandlerContext) =>
    readIntent({ patient, purpose: Purpose.PATIENT_REQUEST }, [], ALWAYS, context);

  const doneErasure = async (patient: string, erasure: Erasure) => ({
    id: erasure.id,
    state: Erasure_State.DONE,
    receipt: await erasureReceipt(receiptKey, patient, erasure, backupRetentionMs),
  });

  return {
    async erasePatient({ patient }, context) {
      const erasure = await erase.erase(intentOf(patient, context));
      return { erasure: await doneErasure(patient, erasure) };
    },

    async getErasure({ patient }, context) {
      const progress = await erase.progress(intentOf(patient, context));
      if (progress.state === "done") return { erasure: await doneErasure(patient, progress.erasure) };
      return { erasure: { id: progress.id, state: Erasure_State.RUNNING } };
    },
  };
}
