import type { DescService } from "@bufbuild/protobuf";
import { type CallOptions, type Client, createClient } from "@connectrpc/connect";
import type { FhirFormat } from "@wellapi/fhir-r4";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import type { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type HttpReply, type HttpRequest, readsOnceMore, type SurfaceContext } from "@wellapi/http";
import { requireFormat } from "./content.ts";
import { purposeOf } from "./purpose.ts";

/** One request, and what its handler needs to answer it. */
export interface Exchange {
  readonly request: HttpRequest;
  readonly reply: HttpReply;
  /** The format of the answer. */
  readonly format: FhirFormat;
  /** This server's address, without a slash at its end. */
  readonly base: string;
  readonly purpose: Purpose;
  /** For the caller of the request. */
  readonly records: Client<typeof ClinicalRecordsService>;
  /** The same, for what devices stream in. */
  readonly measurements: Client<typeof RecordsService>;
  /** Of another service, for the same caller. */
  client<S extends DescService>(service: S): Client<S>;
}

export const root = "/fhir/R4";

/** Of one call of another service. */
export const calling: CallOptions = { timeoutMs: 15_000 };

/** Throws before any call where the caller accepts neither format, or says no purpose of HL7. */
export function exchangeOf(context: SurfaceContext, request: HttpRequest, reply: HttpReply): Exchange {
  const transport = readsOnceMore(context.as(request));
  return {
    request,
    reply,
    format: requireFormat(request),
    base: `${context.origin()}${root}`,
    purpose: purposeOf(request),
    records: createClient(ClinicalRecordsService, transport),
    measurements: createClient(RecordsService, transport),
    client: (service) => createClient(service, transport),
  };
}
