import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type Client, createClient } from "@connectrpc/connect";
import { type DownloadFormat, ExportService } from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import {
  type HttpRequest,
  type Refusal,
  requestOverOf,
  type ShapedRefusal,
  type Surface,
} from "@wellapi/http";
import { FhirServiceError } from "./errors.ts";
import type { OutlinedPart } from "./files/summary.ts";
import { calling, root } from "./rest/exchange.ts";
import { fhirRefusalOf } from "./rest/outcome.ts";
import { type RecordPart, wholeRecord } from "./rest/record-part.ts";
import { createSlots } from "./rest/slots.ts";

interface Path {
  readonly Params: { readonly patient: string };
  readonly Querystring: { readonly prepared?: string | readonly string[] };
}

/** A download reads a whole record several times, and compresses it: so many at once in this process. */
const mostAtOnce = 4;

/**
 * A patient's record as one ZIP, for the patient and for whom acts in their name: `/download/<the patient's own id>`, or a part of it,
 * `?prepared=<download of PrepareDownload>`. It is made while it is sent, by the caller's own reads: so it ends where they do, at once
 * when the credential is revoked.
 */
export const downloadSurface: Surface = {
  name: "download",
  paths: ["/download/"],
  methods: ["GET"],
  requestHeaders: ["cookie", "sec-fetch-site"],
  cors: "none",
  refuse: fhirRefusalOf,
  shape: shapedForReaders,
  async mount(app, context) {
    const slots = createSlots(mostAtOnce, "Others are downloading: try again in a minute");
    app.get<Path>("/download/:patient", async (request, reply) => {
      refuseForeign(request);
      // At the first download: what writes ZIP and Parquet brings 4 MB, and many a process makes none.
      const [{ zipStream }, { archiveOf }, { createRecordReader }] = await Promise.all([
        import("./files/zip.ts"),
        import("./rest/download/archive.ts"),
        import("./rest/download/record-reader.ts"),
      ]);
      const { patient } = request.params;
      const transport = context.as(request, showsToken(request) ? undefined : patient);
      const { prepared } = request.query;
      const { part, formats } = await termsOf(createClient(ExportService, transport), patient, prepared);
      const over = requestOverOf(reply);
      slots.take(over);
      const made = new Date();
      const whole = part === wholeRecord;
      const file = `health-record-${whole ? "" : "part-"}${made.toISOString().slice(0, 10)}.zip`;
      reply
        .header("content-type", "application/zip")
        .header("content-disposition", `attachment; filename="${file}"`);
      const view = { patient, base: `${context.origin()}${root}` };
      const reader = createRecordReader(transport, view, over, part);
      const terms = { patient, made, part: whole ? undefined : outlinedPart(part), formats };
      return reply.send(zipStream(archiveOf(reader, terms), made));
    });
  },
};

/** What leaves, once it may: what was prepared, or else the whole record, which is prepared now. */
async function termsOf(
  exports: Client<typeof ExportService>,
  patient: string,
  prepared: string | readonly string[] | undefined,
): Promise<{ readonly part: RecordPart; readonly formats: readonly DownloadFormat[] }> {
  if (prepared === undefined) {
    await exports.prepareDownload({ patient }, calling);
    return { part: wholeRecord, formats: [] };
  }
  const { categories, codes, interval, formats } = await exports.openDownload(
    { patient, download: String(prepared) },
    calling,
  );
  if (categories.length === 0 && interval === undefined) return { part: wholeRecord, formats };
  return { part: { categories, codes: categories.length === 0 ? undefined : codes, interval }, formats };
}

function outlinedPart({ categories, interval }: RecordPart): OutlinedPart {
  const { startTime, endTime } = interval ?? {};
  return {
    categories,
    from: startTime && timestampDate(startTime),
    to: endTime && timestampDate(endTime),
  };
}

function showsToken({ headers }: HttpRequest): boolean {
  return headers.authorization !== undefined || headers["x-api-key"] !== undefined;
}

/** A page of somebody else's must not make a reader's browser download the reader's record. Programs send no such header. */
function refuseForeign(request: HttpRequest): void {
  const site = request.headers["sec-fetch-site"];
  if (showsToken(request) || site === "same-origin" || site === "none") return;
  throw new FhirServiceError("FOREIGN_REQUEST", "Open the page of your record, and download it from there");
}

/** Who has to sign in, or to confirm that it is them, is sent to where they can, and comes back to the page of the download. */
function shapedForReaders({ problem }: Refusal, request: HttpRequest): ShapedRefusal {
  const contentType = "application/json; charset=utf-8";
  const body = JSON.stringify(problem);
  const reader = !showsToken(request) && problem.reason !== "FOREIGN_REQUEST";
  const back = `?continue=${encodeURIComponent("/account/download")}`;
  if (reader && problem.reason === "ASSURANCE_REQUIRED")
    return { contentType, body, location: `/step-up${back}` };
  if (reader && problem.code === "unauthenticated") return { contentType, body, location: `/sign-in${back}` };
  return { contentType, body };
}
