import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  PreviewReadsRequestSchema,
  type PreviewService,
} from "@wellapi/gen/wellapi/records/v1/preview_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { PageTokens } from "@wellapi/rpc";
import type { Pairwise } from "@wellapi/vault";
import { pageOf } from "../door/page-position-convert.ts";
import { presenterFor } from "../door/read-convert.ts";
import { createReadRequests } from "../door/read-request-convert.ts";
import { invalidField } from "../errors.ts";
import { ALWAYS } from "../model/interval.ts";
import { type PreviewDeps, type PreviewPosition, previewReads } from "./preview.ts";
import { previewedKindInit, previewedRecordsInit } from "./preview-convert.ts";

const KINDS_A_PAGE = { usual: 50, most: 200 };

export interface PreviewHandlersDeps extends PreviewDeps {
  readonly pageTokens: PageTokens;
  readonly pairwise: Pairwise;
  readonly region: string;
}

export function createPreviewHandlers(deps: PreviewHandlersDeps): ServiceImpl<typeof PreviewService> {
  const { intentOf } = createReadRequests(deps);
  const present = presenterFor(deps);
  return {
    async previewReads(request, context) {
      const { patient, view, purpose } = request;
      if (view.case === undefined) throw invalidField("view", "is needed");
      // The read is the patient's own, whatever the organization would read for.
      const intent = intentOf({ patient, purpose: Purpose.PATIENT_REQUEST }, [], ALWAYS, context);
      const asked = pageOf<typeof PreviewReadsRequestSchema, PreviewPosition>(
        deps.pageTokens,
        intent,
        PreviewReadsRequestSchema,
        request,
        KINDS_A_PAGE,
      );
      const page = await previewReads(deps, intent, { view, purpose }, asked.limit, asked.after);
      return {
        kinds: await Promise.all(page.kinds.map((kind) => previewedKindInit(deps, present, intent, kind))),
        records: page.records.map((records) => previewedRecordsInit(deps, intent, records)),
        organization: page.organization,
        decisionTime: timestampFromMs(page.time),
        nextPageToken: asked.token(page.next),
        access: page.access,
      };
    },
  };
}
