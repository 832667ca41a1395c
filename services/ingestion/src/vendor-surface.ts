import { toJson } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import {
  CreateFromVendorResponseSchema,
  IngestionService,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { type HttpRequest, type Refusal, refusalOf, type Surface } from "@wellapi/http";

const callMs = 60_000;
/** As the contract's `document`. */
const documentBytes = 1_000_000;

/** The request's fields, by the header that has them. */
const headers = {
  "idempotency-key": "request_id",
  "wellapi-patient": "patient",
  "wellapi-time-zone": "time_zone",
  "wellapi-date": "date",
  "wellapi-vendor-user": "vendor_user",
  "wellapi-rebind": "rebind",
} as const;

/**
 * Vendors' documents as they are: `POST /ingest/<vendor>`. Everything beside the document is in headers, because URLs end in other
 * people's logs.
 */
export const vendorSurface: Surface = {
  name: "vendors",
  paths: ["/ingest/"],
  methods: ["POST"],
  requestHeaders: Object.keys(headers),
  bodies: { limit: documentBytes, parsers: { "application/json": (bytes) => bytes } },
  refuse,
  mount(app, context) {
    app.post<{ Params: { vendor: string } }>(
      "/ingest/:vendor",
      { config: { rpc: IngestionService.method.createFromVendor } },
      async (request, reply) => {
        const ingestion = createClient(IngestionService, context.as(request));
        const answer = await ingestion.createFromVendor(
          {
            requestId: unquoted(headerOf(request, "idempotency-key")),
            patient: headerOf(request, "wellapi-patient"),
            vendor: request.params.vendor,
            timeZone: headerOf(request, "wellapi-time-zone"),
            date: headerOf(request, "wellapi-date"),
            vendorUser: headerOf(request, "wellapi-vendor-user"),
            rebind: headerOf(request, "wellapi-rebind") === "true",
            document: (request.body as Uint8Array | undefined) ?? new Uint8Array(),
          },
          { timeoutMs: callMs },
        );
        return reply
          .type("application/json; charset=utf-8")
          .send(JSON.stringify(toJson(CreateFromVendorResponseSchema, answer)));
      },
    );
  },
};

function headerOf(request: HttpRequest, name: keyof typeof headers): string {
  const value = request.headers[name];
  return typeof value === "string" ? value : "";
}

/** The draft of the header has its value in quotation marks, and most clients send it without. */
function unquoted(key: string): string {
  return /^".*"$/.test(key) ? key.slice(1, -1) : key;
}

/** A refusal names the header instead of the contract's field. */
function refuse(error: unknown): Refusal {
  const refusal = refusalOf(error);
  const [name, field] =
    Object.entries(headers).find(([, one]) => refusal.problem.message.startsWith(`${one}:`)) ?? [];
  if (name === undefined || field === undefined) return refusal;
  const message = `the header ${name}${refusal.problem.message.slice(field.length)}`;
  return { ...refusal, problem: { ...refusal.problem, message } };
}
