import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { ExportService } from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Export } from "../exports/export.ts";
import type { Exports } from "../exports/exports.ts";
import type { Intent } from "../gate/intent.ts";
import { ALWAYS } from "../model/interval.ts";
import { readIntent } from "./read-request-convert.ts";

export function createExportHandlers(exports: Exports): ServiceImpl<typeof ExportService> {
  const intentOf = (context: HandlerContext, patient = "", purpose = Purpose.UNSPECIFIED): Intent =>
    readIntent({ patient, purpose }, [], ALWAYS, context);

  return {
    async prepareDownload({ patient }, context) {
      return { access: await exports.prepareDownload(intentOf(context, patient, Purpose.PATIENT_REQUEST)) };
    },
    async createExport({ types, since, purpose, requestId }, context) {
      const terms = { types: types.toSorted(), since: since && timestampMs(since), purpose };
      return { export: exportInit(await exports.create(intentOf(context, "", purpose), requestId, terms)) };
    },
    async getExport({ export: id }, context) {
      return { export: exportInit(await exports.get(intentOf(context), id)) };
    },
    async cancelExport({ export: id }, context) {
      await exports.cancel(intentOf(context), id);
      return {};
    },
  };
}

function exportInit({ id, types, since, purpose, created, expires }: Export) {
  return {
    id,
    types: [...types],
    ...(since !== undefined && { since: timestampFromMs(since) }),
    purpose,
    createTime: timestampFromMs(created),
    expireTime: timestampFromMs(expires),
  };
}
