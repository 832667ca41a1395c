/** Generator of P15's export: all Observations of an organization's patients, exported as NDJSON or read page by page. */
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { serveProgram } from "../src/program.ts";
import { assertRun } from "../src/result.ts";

export interface ExportOrder {
  /** Of the gateway. */
  readonly url: string;
  readonly apiKey: string;
  /** As the contracts name them: `pat_…`. */
  readonly patients: readonly string[];
}

/** What came, in bytes of the resources' JSON. */
export interface Exported {
  readonly resources: number;
  readonly bytes: number;
  readonly seconds: number;
}

const perPage = 1_000;

const commands = {
  /** Kick-off, manifest and files, one after another: what a client of Bulk Data does. */
  async export({ url, apiKey }: ExportOrder): Promise<Exported> {
    const started = performance.now();
    const headers = { "x-api-key": apiKey, prefer: "respond-async" };
    const begun = await fetch(`${url}/fhir/R4/Patient/$export?_type=Observation`, { headers });
    assertRun(begun.status === 202, "the export is accepted");
    const told = await fetch(here(url, begun.headers.get("content-location")!), { headers });
    const { output } = (await told.json()) as { output: readonly { url: string }[] };
    assertRun(told.status === 200 && output.length > 0, "the manifest names files");
    let [resources, bytes] = [0, 0];
    for (const file of output) {
      const came = await lengthOf(here(url, file.url), apiKey);
      resources += came.lines;
      bytes += came.bytes - came.lines;
    }
    return { resources, bytes, seconds: (performance.now() - started) / 1_000 };
  },
  /** The same records by the RPC, of one patient after another. */
  async read({ url, apiKey, patients }: ExportOrder): Promise<Exported> {
    const transport = createConnectTransport({
      baseUrl: url,
      httpVersion: "1.1",
      interceptors: [
        (next) => (request) => {
          request.header.set("x-api-key", apiKey);
          return next(request);
        },
      ],
    });
    const records = createClient(ClinicalRecordsService, transport);
    const started = performance.now();
    let [resources, bytes] = [0, 0];
    for (const patient of patients) {
      const asked = { patient, purpose: Purpose.TREATMENT, types: ["Observation"], pageSize: perPage };
      let pageToken = "";
      do {
        const page = await records.listClinicalRecords({ ...asked, pageToken });
        resources += page.records.length;
        for (const { resource } of page.records) bytes += Buffer.byteLength(resource);
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
    }
    return { resources, bytes, seconds: (performance.now() - started) / 1_000 };
  },
};

/** Links name the installation's origin; it is reached by another name here. */
function here(url: string, link: string): string {
  return `${url}${new URL(link).pathname}`;
}

/** Counts a file without keeping it, or making texts of it. */
async function lengthOf(url: string, apiKey: string) {
  const asked = get(url, { headers: { "x-api-key": apiKey } });
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  assertRun(answer.statusCode === 200, "the file is given");
  let [lines, bytes] = [0, 0];
  for await (const piece of answer as AsyncIterable<Buffer>) {
    bytes += piece.length;
    for (let at = piece.indexOf(10); at !== -1; at = piece.indexOf(10, at + 1)) lines++;
  }
  return { lines, bytes };
}

export type FhirExportLoad = typeof commands;
serveProgram(commands);
