import { type FhirFormat, formatResource } from "@wellapi/fhir-r4";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import type { HttpReply, HttpRequest, Surface, SurfaceContext } from "@wellapi/http";
import { FhirServiceError } from "../errors.ts";
import { mountBulkExport } from "./bulk/bulk-export.ts";
import { bundle } from "./bundle.ts";
import { capabilities } from "./capabilities.ts";
import { contentTypeOf, requireFormat } from "./content.ts";
import { everything } from "./everything.ts";
import { type Exchange, exchangeOf, root } from "./exchange.ts";
import { mountImport } from "./import/bulk-import.ts";
import { deleteInstance, readHistory, readInstance, readVersion } from "./instance.ts";
import { fileConsent } from "./ledger/filing.ts";
import { revokeConsent } from "./ledger/revocation.ts";
import { ledgerType } from "./ledger/types.ts";
import { lastn } from "./observations/lastn.ts";
import { search } from "./search.ts";
import { mountTerminology } from "./terminology/routes.ts";
import { isServed } from "./types.ts";
import { create, update } from "./write.ts";

interface Path {
  readonly Params: { readonly type: string; readonly id: string; readonly version: string };
}

const { putClinicalRecord, writeClinicalRecords, listClinicalRecords } = ClinicalRecordsService.method;
const { searchObservations } = RecordsService.method;

/** Every interaction. */
export function mountInteractions(
  app: Parameters<Surface["mount"]>[0],
  context: SurfaceContext,
  methods: Surface["methods"],
): void {
  const metadata = createMetadata(context);
  app.get(`${root}/metadata`, async (request, reply) => {
    const format = requireFormat(request);
    reply.header("cache-control", "public, max-age=60").header("content-type", contentTypeOf(format));
    return reply.send(metadata(format));
  });
  for (const path of [root, `${root}/`]) {
    app.post(path, { config: { rpc: writeClinicalRecords } }, (request, reply) =>
      bundle(exchangeOf(context, request, reply)),
    );
  }
  for (const path of [root, `${root}/`]) app.get(path, notServed);
  mountTerminology(app, context);
  mountBulkExport(app, context);
  mountImport(app, context);
  app.get(`${root}/Observation/$lastn`, (request, reply) => lastn(exchangeOf(context, request, reply)));
  app.post(
    `${root}/Consent/$revokeConsent`,
    { config: { rpc: ConsentService.method.revokeConsent } },
    (request, reply) => revokeConsent(exchangeOf(context, request, reply)),
  );
  app.post(`${root}/Consent`, { config: { rpc: ConsentService.method.createConsent } }, (request, reply) =>
    fileConsent(exchangeOf(context, request, reply)),
  );
  app.get<Path>(`${root}/Patient/:id/$everything`, (request, reply) =>
    everything(exchangeOf(context, request, reply), request.params.id),
  );
  app.get<Path>(`${root}/:type`, (request, reply) => onSearch(context, request, reply));
  // Admitted as the call that it makes.
  app.post(`${root}/Observation/_search`, { config: { rpc: searchObservations } }, (request, reply) =>
    search(exchangeOf(context, request, reply), "Observation"),
  );
  app.post<Path>(`${root}/:type/_search`, { config: { rpc: listClinicalRecords } }, (request, reply) =>
    onSearch(context, request, reply),
  );
  app.post<Path>(`${root}/:type`, { config: { rpc: putClinicalRecord } }, (request, reply) =>
    onType(context, request, reply, create),
  );
  const instance = `${root}/:type/:id`;
  app.get<Path>(instance, (request, reply) => {
    const own = ledgerType(request.params.type);
    if (own !== undefined) return own.read(exchangeOf(context, request, reply), request.params.id);
    return onType(context, request, reply, (exchange) => readInstance(exchange, request.params));
  });
  app.put<Path>(instance, { config: { rpc: putClinicalRecord } }, (request, reply) =>
    onType(context, request, reply, (exchange) => update(exchange, request.params)),
  );
  app.delete<Path>(instance, (request, reply) =>
    onType(context, request, reply, (exchange) => deleteInstance(exchange, request.params)),
  );
  app.get<Path>(`${instance}/_history`, (request, reply) =>
    onType(context, request, reply, (exchange) => readHistory(exchange, request.params)),
  );
  app.route({ method: [...methods], url: `${root}/*`, handler: notServed });
  app.get<Path>(`${instance}/_history/:version`, (request, reply) =>
    onType(context, request, reply, (exchange) =>
      readVersion(exchange, request.params, request.params.version),
    ),
  );
}

/** An address that no interaction has: said as FHIR says it. */
async function notServed(): Promise<never> {
  throw new FhirServiceError(
    "NOT_SUPPORTED",
    `There is no such interaction: ${root}/metadata lists those that there are`,
  );
}

/** The CapabilityStatement's text. Anybody may ask for it, so it is made once a format. */
function createMetadata(context: SurfaceContext): (format: FhirFormat) => string {
  const made = new Map<FhirFormat, string>();
  return (format) => {
    const origin = context.origin();
    const text = made.get(format) ?? formatResource(capabilities(`${origin}${root}`, origin), format);
    made.set(format, text);
    return text;
  };
}

function onSearch(context: SurfaceContext, request: HttpRequest, reply: HttpReply): Promise<HttpReply> {
  const own = ledgerType((request.params as Path["Params"]).type);
  if (own !== undefined) return own.search(exchangeOf(context, request, reply));
  return onType(context, request, reply, search);
}

/** Runs an interaction of a type that is served. */
async function onType(
  context: SurfaceContext,
  request: HttpRequest,
  reply: HttpReply,
  interaction: (exchange: Exchange, type: string) => Promise<HttpReply>,
): Promise<HttpReply> {
  const exchange = exchangeOf(context, request, reply);
  const { type } = request.params as Path["Params"];
  if (isServed(type)) return interaction(exchange, type);
  throw new FhirServiceError(
    "NOT_SUPPORTED",
    `This type is not served: ${root}/metadata lists those that are`,
  );
}
