import { createClient, type Transport } from "@connectrpc/connect";
import type { FhirResource } from "@wellapi/fhir-r4";
import { ClinicalOrder } from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import type { SeriesInfo } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { shippedTerminology } from "@wellapi/terminology";
import type { ObservationRow, SampleRow } from "../../files/rows.ts";
import { servedRecord } from "../../mapping/record-convert.ts";
import { observationRow, sampleRows } from "../../mapping/rows-convert.ts";
import { calling } from "../exchange.ts";

/** All that a patient has, by reads of their own. Each call of a method reads anew, in bounded memory. */
export interface RecordReader {
  series(): AsyncGenerator<SeriesInfo>;
  /** @param codes in this order */
  samples(codes: Iterable<string>): AsyncGenerator<SampleRow>;
  observations(codes: Iterable<string>): AsyncGenerator<ObservationRow>;
  /** As the FHIR surface shows them, oldest change first; of one type, or of all. */
  resources(type?: string): AsyncGenerator<FhirResource>;
}

const purpose = Purpose.PATIENT_REQUEST;

export function createRecordReader(transport: Transport, patient: string): RecordReader {
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

    async *observations(codes) {
      for (const code of codes) {
        const coding = { system: systemOf(code), code };
        const found = pages(
          (pageToken) =>
            records.listObservations({ patient, purpose, code: coding, pageToken, pageSize: 1_000 }, calling),
          (page) => page.observations,
        );
        for await (const one of found) yield observationRow(one);
      }
    },

    async *resources(type) {
      const types = type === undefined ? [] : [type];
      const order = ClinicalOrder.UPDATED;
      const found = pages(
        (pageToken) =>
          clinical.listClinicalRecords(
            { patient, purpose, types, order, pageToken, pageSize: 1_000 },
            calling,
          ),
        (page) => page.records,
      );
      for await (const one of found) {
        const { resource } = servedRecord(patient, one);
        if (resource !== undefined) yield resource;
      }
    },
  };
}

function systemOf(code: string): string {
  return shippedTerminology.findAnyCode(code)?.system ?? "";
}

export async function* pages<P extends { readonly nextPageToken: string }, T>(
  page: (token: string) => Promise<P>,
  items: (page: P) => readonly T[],
): AsyncGenerator<T> {
  for (let token = ""; ; ) {
    const answer = await page(token);
    yield* items(answer);
    token = answer.nextPageToken;
    if (token === "") return;
  }
}
