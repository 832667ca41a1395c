import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { createClient, type Transport } from "@connectrpc/connect";
import { ClinicalOrder } from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import type { SeriesInfo } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { type CodingSchema, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { ObservationRow, SampleRow } from "../../files/rows.ts";
import type { OutlinedSeries } from "../../files/summary.ts";
import { isStanding, servedRecord } from "../../mapping/record-convert.ts";
import { displayOf, observationRow, sampleRows } from "../../mapping/rows-convert.ts";
import type { View } from "../../mapping/source-convert.ts";
import { createPatientResources, pages } from "../bulk/patient-resources.ts";
import { calling } from "../exchange.ts";
import { measurementsWithin, type RecordPart, recordsWithin } from "../record-part.ts";
import type { Entered } from "../search-set.ts";
import { createTally } from "./tally.ts";

/** With its system: an installation has codes of its own. */
export type MeasuredCode = MessageInitShape<typeof CodingSchema> & { readonly code: string };

/** A part of what a patient has, or all of it, by reads of their own. Each call of a method reads anew, in bounded memory. */
export interface RecordReader {
  series(): AsyncGenerator<{ readonly coding: MeasuredCode; readonly outlined: OutlinedSeries }>;
  /** In this order. */
  samples(codes: Iterable<MeasuredCode>): AsyncGenerator<SampleRow>;
  observations(): AsyncGenerator<ObservationRow>;
  /** As the FHIR surface shows them; without a type those of all types that were stored as FHIR. */
  resources(type?: string): AsyncGenerator<Entered>;
}

const purpose = Purpose.PATIENT_REQUEST;

export function createRecordReader(
  transport: Transport,
  view: View,
  signal: AbortSignal,
  part: RecordPart,
): RecordReader {
  const { patient } = view;
  const resources = createPatientResources(transport, view, purpose, signal, part);
  const records = createClient(RecordsService, transport);
  const clinical = createClient(ClinicalRecordsService, transport);
  const wanted = part.codes && new Set(part.codes.map(({ code }) => code));

  /** Of all times. */
  async function* listed(): AsyncGenerator<SeriesInfo & { readonly code: MeasuredCode }> {
    if (wanted?.size === 0) return;
    const found = pages(
      (pageToken) => records.listSeries({ patient, purpose, pageToken, pageSize: 200 }, calling),
      (page) => page.series,
    );
    for await (const one of found) {
      const { code } = one;
      if (code !== undefined && wanted?.has(code.code) !== false) yield { ...one, code };
    }
  }

  async function* samples(codes: Iterable<MeasuredCode>): AsyncGenerator<SampleRow> {
    const within = part.interval === undefined ? {} : { interval: part.interval };
    for (const { system = "", code } of codes) {
      let ended = false;
      const asked = { patient, purpose, code: { system, code }, ...within };
      for await (const { payload } of records.readSeries(asked)) {
        if (payload.case === "series") yield* sampleRows(payload.value);
        if (payload.case === "end") ended = true;
      }
      // What was cut off must not look like all there is.
      if (!ended) throw new Error("a read of samples was cut off");
    }
  }

  return {
    async *series() {
      if (part.interval === undefined) {
        for await (const one of listed()) yield { coding: one.code, outlined: outlinedOf(one) };
        return;
      }
      // A list counts what there is of all times, so that what lies within some is counted by reading it.
      const codings = new Map<string, MeasuredCode>();
      for await (const { code } of listed()) codings.set(code.code, code);
      for (const coding of codings.values()) {
        const tally = createTally();
        for await (const row of samples([coding])) tally.add(row);
        for (const outlined of tally.series()) yield { coding, outlined };
      }
    },

    samples,

    async *observations() {
      for (const within of measurementsWithin(part)) {
        const asked = { patient, purpose, ...within, oldestFirst: true, pageSize: 1_000 };
        const found = pages(
          (pageToken) => records.listObservations({ ...asked, pageToken }, calling),
          (page) => page.observations,
        );
        for await (const one of found) yield observationRow(one);
      }
    },

    async *resources(type) {
      if (type !== undefined) {
        yield* resources.ofType(type);
        return;
      }
      const order = ClinicalOrder.UPDATED;
      const asked = { patient, purpose, ...recordsWithin(part), order, pageSize: 1_000 };
      const found = pages(
        (pageToken) => clinical.listClinicalRecords({ ...asked, pageToken }, calling),
        (page) => page.records,
      );
      for await (const one of found) {
        const served = servedRecord(patient, one);
        if (isStanding(served)) yield served;
      }
    },
  };
}

function outlinedOf({ code, source, units, span, count }: SeriesInfo): OutlinedSeries {
  return {
    code: code?.code ?? "",
    display: displayOf(code?.code ?? "", code?.display),
    organization: source?.organization ?? "",
    device: source?.deviceModel ?? "",
    units,
    from: span?.startTime && timestampDate(span.startTime),
    to: span?.endTime && timestampDate(span.endTime),
    count: count ?? 0,
  };
}
