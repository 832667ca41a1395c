import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { timestampDate, timestampMs } from "@bufbuild/protobuf/wkt";
import { createClient, type Transport } from "@connectrpc/connect";
import { deIdentifiedTypes, formatJson, intervalOfDate } from "@wellapi/fhir-r4";
import type { Export } from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import { ExportService } from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import {
  type HttpReply,
  type HttpRequest,
  refusalOf,
  type Surface,
  type SurfaceContext,
} from "@wellapi/http";
import { FhirServiceError } from "../../errors.ts";
import { queryOf } from "../address.ts";
import { calling, root } from "../exchange.ts";
import { notFound } from "../not-found.ts";
import { purposeOf } from "../purpose.ts";
import { isServed } from "../types.ts";
import { cohortOf, mayHold, partsOf, patientsOfPart, typesOf } from "./cohort.ts";
import { deIdentifiedLines, requireMany } from "./de-identified-file.ts";
import { patiently } from "./patience.ts";
import { createPatientResources } from "./patient-resources.ts";

type App = Parameters<Surface["mount"]>[0];

/** One request of an export. */
interface Asked {
  readonly request: HttpRequest;
  readonly reply: HttpReply;
  readonly transport: Transport;
  readonly base: string;
  /** Aborts when the caller goes away. */
  readonly signal: AbortSignal;
}

/** The one group that there is: the patients of whom the organization has consents. */
const group = "consented";
const levels = { patient: "Patient/$export", group: `Group/${group}/$export` } as const;
type Level = keyof typeof levels;

const ndjsonType = "application/fhir+ndjson";
const outputFormats: ReadonlySet<string> = new Set([ndjsonType, "application/ndjson", "ndjson"]);

/** FHIR Bulk Data Access (https://hl7.org/fhir/uv/bulkdata/): the requests of an export. */
export function mountBulkExport(app: App, context: SurfaceContext): void {
  const asked = (request: HttpRequest, reply: HttpReply): Asked => {
    const gone = new AbortController();
    reply.raw.once("close", () => gone.abort());
    const base = `${context.origin()}${root}`;
    return { request, reply, transport: context.as(request), base, signal: gone.signal };
  };
  const parametersOf = ({ params }: HttpRequest) => params as Readonly<Record<string, string>>;
  app.get(`${root}/Patient/$export`, (request, reply) => kickOff(asked(request, reply), "patient"));
  app.get(`${root}/Group/:id/$export`, async (request, reply) => {
    if (parametersOf(request).id !== group) throw notFound();
    return kickOff(asked(request, reply), "group");
  });
  const status = `${root}/$export-status/:level/:export`;
  app.get(status, (request, reply) => sendManifest(asked(request, reply), parametersOf(request)));
  app.delete(status, async (request, reply) => {
    const { transport } = asked(request, reply);
    await exportsAt(transport).cancelExport({ export: parametersOf(request).export! }, calling);
    return reply.code(202).send();
  });
  app.get(`${root}/$export-file/:export/:file`, (request, reply) =>
    sendFile(asked(request, reply), parametersOf(request)),
  );
}

const exportsAt = (transport: Transport) => createClient(ExportService, transport);

/** Begins an export: 202, and where its status is. */
async function kickOff({ request, reply, transport, base }: Asked, level: Level): Promise<HttpReply> {
  const prefer = String(request.headers.prefer ?? "").toLowerCase();
  if (!prefer.split(/[,;]/).some((one) => one.trim() === "respond-async")) {
    throw new FhirServiceError("INVALID_REQUEST", "Send the header prefer: respond-async");
  }
  const { types, since, deIdentified } = termsOf(queryOf(request));
  const requestId = request.headers["idempotency-key"];
  const { export: made } = await exportsAt(transport).createExport(
    {
      types,
      ...(since !== undefined && {
        since: { seconds: BigInt(Math.floor(since / 1_000)), nanos: (since % 1_000) * 1e6 },
      }),
      purpose: purposeOf(request),
      deIdentified,
      requestId: typeof requestId === "string" ? requestId : randomUUID(),
    },
    calling,
  );
  return reply.code(202).header("content-location", `${base}/$export-status/${level}/${made!.id}`).send();
}

/** Nothing is ignored: what is not known would give more than was asked for. */
function termsOf(parameters: URLSearchParams): {
  readonly types: string[];
  readonly since: number | undefined;
  readonly deIdentified: boolean;
} {
  const known = new Set(["_type", "_since", "_outputFormat", "_format", "_deIdentified"]);
  const unknown = [...parameters.keys()].find((name) => !known.has(name));
  if (unknown !== undefined || new Set(parameters.keys()).size !== parameters.size) {
    throw new FhirServiceError("INVALID_REQUEST", `An export takes ${[...known].join(", ")}, each once`);
  }
  const types = [...new Set((parameters.get("_type") ?? "").split(",").filter((type) => type !== ""))];
  if (!types.every(isServed)) {
    throw new FhirServiceError(
      "INVALID_REQUEST",
      `_type names a type that is not served: ${root}/metadata lists them`,
    );
  }
  if (!outputFormats.has(parameters.get("_outputFormat") ?? ndjsonType)) {
    throw new FhirServiceError("INVALID_REQUEST", `_outputFormat is ${ndjsonType}`);
  }
  const said = parameters.get("_deIdentified") ?? "false";
  if (said !== "true" && said !== "false") {
    throw new FhirServiceError("INVALID_REQUEST", "_deIdentified is true or false");
  }
  return { types, since: instantOf(parameters.get("_since")), deIdentified: said === "true" };
}

function instantOf(text: string | null): number | undefined {
  if (text === null) return undefined;
  const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text)
    ? intervalOfDate(text)
    : undefined;
  if (instant !== undefined) return Date.parse(text);
  throw new FhirServiceError("INVALID_REQUEST", "_since is an instant, as 2026-11-27T08:00:00Z");
}

/**
 * Where the files are. They are made when they are asked for, so there is nothing to wait for: the first answer is the last. Which
 * files there are follows from the consents alone, and tells nothing of what the patients have.
 */
async function sendManifest(
  { reply, transport, base, signal }: Asked,
  { level = "", export: id = "" }: Readonly<Record<string, string>>,
): Promise<HttpReply> {
  if (!Object.hasOwn(levels, level)) throw notFound();
  const { export: found } = await exportsAt(transport).getExport({ export: id }, calling);
  const cohort = await cohortOf(transport, found!, signal);
  if (found!.deIdentified) requireMany(cohort);
  const parts = found!.deIdentified ? 1 : partsOf(cohort);
  const possible = typesOf(new Set([...cohort.values()].flatMap((categories) => [...categories])));
  const types = found!.types.length === 0 ? possible : found!.types.filter((type) => possible.includes(type));
  const told = found!.deIdentified ? types.filter((type) => deIdentifiedTypes.has(type)) : types;
  const numbers = Array.from({ length: cohort.size === 0 ? 0 : parts }, (_, part) => part + 1);
  reply
    .header("content-type", "application/json")
    .header("expires", timestampDate(found!.expireTime!).toUTCString());
  return reply.send(
    JSON.stringify({
      transactionTime: timestampDate(found!.createTime!).toISOString(),
      request: requestOf(`${base}/${levels[level as Level]}`, found!),
      requiresAccessToken: true,
      output: told.flatMap((type) =>
        numbers.map((part) => ({
          type,
          url: `${base}/$export-file/${id}/${type}.${part}-of-${parts}.ndjson`,
        })),
      ),
      error: [],
    }),
  );
}

function requestOf(url: string, { types, since, deIdentified }: Export): string {
  const query = new URLSearchParams({
    ...(types.length > 0 && { _type: types.join(",") }),
    ...(since !== undefined && { _since: timestampDate(since).toISOString() }),
    ...(deIdentified && { _deIdentified: "true" }),
  });
  return query.size === 0 ? url : `${url}?${query}`;
}

const fileForm = /^([A-Z][A-Za-z]{1,63})\.([1-9]\d{0,5})-of-([1-9]\d{0,5})\.ndjson$/;

async function sendFile(
  asked: Asked,
  { export: id = "", file = "" }: Readonly<Record<string, string>>,
): Promise<HttpReply> {
  const [, type = "", part, parts] = fileForm.exec(file) ?? [];
  const { transport, reply, signal } = asked;
  const { export: found } = await exportsAt(transport).getExport({ export: id }, calling);
  const unasked = found!.types.length > 0 && !found!.types.includes(type);
  if (!isServed(type) || unasked || Number(part) > Number(parts)) throw notFound();
  const cohort = await cohortOf(transport, found!, signal);
  reply.header("content-type", `${ndjsonType}; charset=utf-8`);
  if (found!.deIdentified) {
    requireMany(cohort);
    return reply.send(await deIdentifiedLines(transport, found!, type, [...cohort.keys()], signal));
  }
  const patients = patientsOfPart(cohort, Number(part) - 1, Number(parts)).filter((patient) =>
    mayHold(cohort.get(patient)!, type),
  );
  return reply.send(Readable.from(linesOf(asked, found!, type, patients), { objectMode: false }));
}

const pieceCharacters = 65_536;
const lookEveryMs = 2_000;

/** One resource a line. Each patient is decided when their turn comes; who has revoked by then is left out. */
async function* linesOf(
  { transport, base, signal }: Asked,
  { id, since, purpose }: Export,
  type: string,
  patients: readonly string[],
): AsyncGenerator<string> {
  let piece = "";
  let looked = Date.now();
  for (const patient of patients) {
    const resources = createPatientResources(transport, { patient, base }, purpose, signal);
    try {
      for await (const resource of resources.ofType(type, since && timestampMs(since))) {
        piece += `${formatJson(resource)}\n`;
        if (Date.now() - looked > lookEveryMs) {
          // Throws once the export was cancelled: what is under way breaks off, too.
          await patiently(signal, () => exportsAt(transport).getExport({ export: id }, calling));
          looked = Date.now();
        }
        if (piece.length < pieceCharacters) continue;
        yield piece;
        piece = "";
      }
    } catch (error) {
      if (!isDenied(error)) throw error;
    }
  }
  if (piece !== "") yield piece;
}

const denials: ReadonlySet<string> = new Set([
  "CONSENT_REQUIRED",
  "CONSENT_REVOKED",
  "RECORD_FROZEN",
  "SCOPE_REQUIRED",
  "POLICY_DENIED",
  "RESOLUTION_TOO_FINE",
]);

function isDenied(error: unknown): boolean {
  return denials.has(refusalOf(error).problem.reason);
}
