import { createClient } from "@connectrpc/connect";
import { ExportService } from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import {
  type HttpRequest,
  type Refusal,
  requestOverOf,
  type ShapedRefusal,
  type Surface,
} from "@wellapi/http";
import { FhirServiceError } from "./errors.ts";
import { calling, root } from "./rest/exchange.ts";
import { fhirRefusalOf } from "./rest/outcome.ts";
import { createSlots } from "./rest/slots.ts";

interface Path {
  readonly Params: { readonly patient: string };
}

/** A download reads a whole record several times, and compresses it: so many at once in this process. */
const mostAtOnce = 4;

/**
 * A patient's whole record as one ZIP, for the patient and for whom acts in their name: `/download/<the patient's own id>`. It is made
 * while it is sent, by the caller's own reads: so it ends where they do, at once when the credential is revoked.
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
    const { zipStream } = await import("./files/zip.ts");
    const { archiveOf } = await import("./rest/download/archive.ts");
    const { createRecordReader } = await import("./rest/download/record-reader.ts");
    const slots = createSlots(mostAtOnce, "Others are downloading: try again in a minute");
    app.get<Path>("/download/:patient", async (request, reply) => {
      refuseForeign(request);
      const { patient } = request.params;
      const transport = context.as(request, showsToken(request) ? undefined : patient);
      await createClient(ExportService, transport).prepareDownload({ patient }, calling);
      const over = requestOverOf(reply);
      slots.take(over);
      const made = new Date();
      const file = `health-record-${made.toISOString().slice(0, 10)}.zip`;
      reply
        .header("content-type", "application/zip")
        .header("content-disposition", `attachment; filename="${file}"`);
      const view = { patient, base: `${context.origin()}${root}` };
      const reader = createRecordReader(transport, view, over);
      return reply.send(zipStream(archiveOf(reader, patient, made), made));
    });
  },
};

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
