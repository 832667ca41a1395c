import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  ExportService,
  OpenDownloadRequestSchema,
  type PrepareDownloadRequest,
} from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { jsonPosition, type PageQuery, PageTokenError, type PageTokens, queryDigest } from "@wellapi/rpc";
import type { Terminology } from "@wellapi/terminology";
import { invalidField } from "../errors.ts";
import type { DownloadTerms, PreparedDownload } from "../exports/download.ts";
import type { Downloads } from "../exports/downloads.ts";
import { intervalInit } from "../gate/access-convert.ts";
import type { Intent } from "../gate/intent.ts";
import { ALWAYS } from "../model/interval.ts";
import { intervalOf } from "./convert.ts";
import { readIntent } from "./read-request-convert.ts";

export interface DownloadHandlersDeps {
  readonly downloads: Downloads;
  readonly pageTokens: PageTokens;
  readonly terminology: Terminology;
}

const sealed = jsonPosition<PreparedDownload>();

/** A patient's download of their own record. */
export function createDownloadHandlers({
  downloads,
  pageTokens,
  terminology,
}: DownloadHandlersDeps): Pick<ServiceImpl<typeof ExportService>, "prepareDownload" | "openDownload"> {
  const intentOf = (patient: string, context: HandlerContext): Intent =>
    readIntent({ patient, purpose: Purpose.PATIENT_REQUEST }, [], ALWAYS, context);

  /** Undefined: it is nothing that was sealed for this caller and patient. */
  function opened(query: PageQuery, download: string): PreparedDownload | undefined {
    try {
      return sealed.decode(pageTokens.open(query, download));
    } catch (error) {
      if (error instanceof PageTokenError) return undefined;
      throw error;
    }
  }

  return {
    async prepareDownload(request, context) {
      const intent = intentOf(request.patient, context);
      const terms = termsOf(terminology, request);
      const { prepared, access } = await downloads.prepare(intent, terms);
      return {
        access,
        download: pageTokens.seal(queryOf(intent), sealed.encode(prepared)),
        expireTime: timestampFromMs(prepared.expires),
      };
    },

    async openDownload({ patient, download }, context) {
      const intent = intentOf(patient, context);
      const { terms, codes, access } = await downloads.open(intent, opened(queryOf(intent), download));
      const { categories, interval, formats } = terms;
      const always = interval.from <= ALWAYS.from && interval.to >= ALWAYS.to;
      return {
        access,
        categories: [...categories],
        codes: codes.map((code) => ({ system: terminology.findAnyCode(code)?.system ?? "", code })),
        ...(always ? {} : { interval: intervalInit(interval) }),
        formats: [...formats],
      };
    },
  };
}

/** Throws INVALID_FIELD: a name that is not known would give an archive without what it stands for. */
function termsOf(terminology: Terminology, request: PrepareDownloadRequest): DownloadTerms {
  const { categories, interval, formats } = request;
  const unknown = categories.findIndex((one) => !terminology.isCategory(one));
  if (unknown >= 0)
    throw invalidField(`categories[${unknown}]`, "is no category: ListCategories says which there are");
  return { categories, interval: intervalOf(interval), formats };
}

/** It holds for the caller of this patient alone, and is no token of any list. */
function queryOf({ caller, patient }: Intent): PageQuery {
  const { parent, name } = ExportService.method.openDownload;
  const digest = queryDigest(OpenDownloadRequestSchema, create(OpenDownloadRequestSchema, { patient }));
  return { caller, method: `${parent.typeName}/${name}`, digest };
}
