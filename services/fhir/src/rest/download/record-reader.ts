import { createClient, type Transport } from "@connectrpc/connect";
import { ClinicalOrder } from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import type { SeriesInfo } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { shippedTerminology } from "@wellapi/terminology";
import type { ObservationRow, SampleRow } from "../../files/rows.ts";
import { isStanding, servedRecord } from "../../mapping/record-convert.ts";
import { observationRow, sampleRows } from "../../mapping/rows-convert.ts";
import type { View } from "../../mapping/source-convert.ts";
import { createPatientResources, pages } from "../bulk/patient-resources.ts";
import { calling } from "../exchange.ts";
import type { Entered } from "../search-set.ts";

/** All that a patient has, by reads of their own. Each call of a method reads anew, in bounded memory. */
export interface RecordReader {
  series(): AsyncGenerator<SeriesInfo>;
  /** @param codes in this order */
  samples(codes: Iterable<string>): AsyncGenerator<SampleRow>;
  observations(): AsyncGenerator<ObservationRow>;
  /** As the FHIR surface shows them; without a type those of all types that were stored as FHIR. */
  resources(type?: string): AsyncGenerator<Entered>;
}

const purpose = Purpose.PATIENT_REQUEST;

export function createRecordReader(transport: Transport, view: View, signal: AbortSignal): RecordReader {
  const { patient } = view;
  const resources = createPatientResources(transport, view, purpose, signal);
  const records = createClient(RecordsService, transport);
  const clinical = createClient(ClinicalRecordsService, transport);
  return {
    series: () =>
      pages(
        (pageToken) => records.listSeries({ patient, purpose, pageToken, pageSize: 200 }, calling),
        (page) => page.series,
      ),

    async *samples(codes) {
      for (const code of codes) {
        let ended = false;
        const coding = { system: systemOf(code), code };
        for await (const { payload } of records.readSeries({ patient, purpose, code: coding })) {
          if (payload.case === "series") yield* sampleRows(payload.value);
          if (payload.case === "end") ended = true;
        }
        // What was cut off must not look like all there is.
        if (!ended) throw new Error("a read of samples was cut off");
      }
    },

    async *observations() {
      const found = pages(
        (pageToken) =>
          records.listObservations(
            { patient, purpose, oldestFirst: true, pageToken, pageSize: 1_000 },
            calling,
          ),
        (page) => page.observations,
      );
      for await (const one of found) yield observationRow(one);
    },

    async *resources(type) {
      if (type !== undefined) {
        yield* resources.ofType(type);
        return;
      }
      const order = ClinicalOrder.UPDATED;
      const found = pages(
        (pageToken) =>
          clinical.listClinicalRecords({ patient, purpose, order, pageToken, pageSize: 1_000 }, calling),
        (page) => page.records,
      );
      for await (const one of found) {
        const served = servedRecord(patient, one);
        if (isStanding(served)) yield served;
      }
    },
  };
}

function systemOf(code: string): string {
  return shippedTerminology.findAnyCode(code)?.system ?? "";
}
