import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ErasureReceiptSchema } from "@wellapi/gen/wellapi/records/v1/records_pb";
import type { ReceiptKey } from "@wellapi/receipts";
import type { Erasure } from "../write/erasure.ts";

/**
 * The receipt of an erasure, signed. `patient` is the patient's own id. The same erasure always gives the same
 * receipt.
 */
export async function erasureReceipt(
  key: Pick<ReceiptKey, "sign">,
  patient: string,
  erasure: Erasure,
  backupRetentionMs: number,
): Promise<MessageInitShape<typeof ErasureReceiptSchema>> {
  const { id, access, keyDestroyed, keyIds, documentsDeleted } = erasure;
  const backupExpire = keyDestroyed + backupRetentionMs;
  const jws = await key.sign("wellapi-erasure-receipt+jwt", {
    sub: patient,
    erasure: id,
    key_destroy_time: new Date(keyDestroyed).toISOString(),
    backup_expire_time: new Date(backupExpire).toISOString(),
    key_ids: keyIds,
    documents_deleted: documentsDeleted,
    access,
  });
  return {
    id,
    keyDestroyTime: timestampFromMs(keyDestroyed),
    backupExpireTime: timestampFromMs(backupExpire),
    keysDestroyed: keyIds.length,
    documentsDeleted,
    access,
    keyIds: [...keyIds],
    jws,
  };
}
