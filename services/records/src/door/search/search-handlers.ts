import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import { SampleOrder } from "@wellapi/gen/wellapi/records/v1/records_pb";
import {
  RecordsService,
  type SearchObservationsRequest,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { callersOf, type PageTokens, rpcNameOf } from "@wellapi/rpc";
import type { Pairwise } from "@wellapi/vault";
import { invalidField } from "../../errors.ts";
import type { Intent } from "../../gate/intent.ts";
import { codesWithin } from "../../gate/token-scope.ts";
import { ALWAYS, hullOf, type Interval } from "../../model/interval.ts";
import { severalCodes } from "../asked-codes-convert.ts";
import { askedRecords, recordsAnswer } from "../clinical-handlers.ts";
import { intervalOf } from "../convert.ts";
import { askedObservations, observationsAnswer } from "../observation-handlers.ts";
import type { Presenter } from "../read-convert.ts";
import type { ReadRequests } from "../read-request-convert.ts";
import { askedDays, daysAnswer } from "../series-handlers.ts";
import { type SearchObservationsDeps, searchObservations } from "./search-observations.ts";

export interface SearchHandlersDeps extends SearchObservationsDeps {
  readonly pageTokens: PageTokens;
  readonly pairwise: Pairwise;
}

/** The RPCs that read each source alone: their names are in the entry, and their tokens are those of its pages. */
const methods = {
  clinical: rpcNameOf(ClinicalRecordsService.method.listClinicalRecords),
  observations: rpcNameOf(RecordsService.method.listObservations),
  series: rpcNameOf(RecordsService.method.querySeries),
};

export function createSearchHandlers(
  deps: SearchHandlersDeps,
  requests: ReadRequests,
  present: Presenter,
): Pick<ServiceImpl<typeof RecordsService>, "searchObservations"> {
  const { pageTokens, terminology } = deps;

  function intentOf(request: SearchObservationsRequest, context: HandlerContext): Intent {
    const { observations, series } = request;
    const measured = [observations, series].flatMap((one) =>
      one === undefined ? [] : (severalCodes(one) ?? []),
    );
    const codes = [...new Set(measured.map(requests.codeKey))];
    const { within: _, ...intent } = requests.intentOf(request, codes, intervalIn(request), context);
    return intent;
  }

  return {
    async searchObservations(request, context) {
      refuseUnfit(request);
      const intent = intentOf(request, context);
      const as = (method: string): Intent => ({ ...intent, method });
      const clinical =
        request.clinicalRecords && askedRecords(deps, as(methods.clinical), request.clinicalRecords);
      const observations =
        request.observations &&
        askedObservations(pageTokens, requests, as(methods.observations), request.observations);
      const series = request.series && askedDays(pageTokens, requests, as(methods.series), request.series);
      const found = await searchObservations(deps, intent, {
        clinical: clinical && sourceOf(methods.clinical, clinical),
        observations: observations && sourceOf(methods.observations, observations),
        series: series && sourceOf(methods.series, series),
        within: codesWithin(terminology, intent.caller.principal, callersOf(context.method)?.scopes ?? []),
      });
      return {
        ...(clinical &&
          found.clinical && { clinicalRecords: recordsAnswer(deps, intent, clinical, found.clinical) }),
        ...(observations &&
          found.observations && {
            observations: await observationsAnswer(present, intent, observations, found.observations),
          }),
        ...(series && found.series && { series: await daysAnswer(present, intent, series, found.series) }),
        access: found.access,
      };
    },
  };
}

function sourceOf<Query, Position>(
  method: string,
  {
    query,
    page,
  }: {
    readonly query: Query;
    readonly page: { readonly limit: number; readonly after: Position | undefined };
  },
) {
  return { method, query, size: page.limit, position: page.after };
}

/** Throws INVALID_FIELD. */
function refuseUnfit(request: SearchObservationsRequest): void {
  const { patient, purpose, clinicalRecords, observations, series } = request;
  const parts = { clinical_records: clinicalRecords, observations, series };
  const named = Object.entries(parts).flatMap(([name, part]) => (part === undefined ? [] : [{ name, part }]));
  if (named.length === 0) throw invalidField("observations", "or clinical_records or series is needed");
  for (const { name, part } of named) {
    if (part.patient !== patient) throw invalidField(`${name}.patient`, "has to be that of the search");
    if (part.purpose !== purpose) throw invalidField(`${name}.purpose`, "has to be that of the search");
  }
  if (clinicalRecords !== undefined && clinicalRecords.types.join() !== "Observation")
    throw invalidField("clinical_records.types", "has to be Observation alone");
  if (series !== undefined && series.order === SampleOrder.UNSPECIFIED)
    throw invalidField("series.order", "has to be by day");
}

/** What holds the intervals of all parts; clinical records have none in the log. */
function intervalIn({ clinicalRecords, observations, series }: SearchObservationsRequest): Interval {
  const asked = [observations, series].flatMap((one) =>
    one === undefined ? [] : [intervalOf(one.interval)],
  );
  return (clinicalRecords === undefined ? hullOf(asked) : undefined) ?? ALWAYS;
}
