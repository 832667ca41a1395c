import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { timestampDate, timestampMs } from "@bufbuild/protobuf/wkt";
import { createClient, type Transport } from "@connectrpc/connect";
import { deIdentifiedTypes } from "@wellapi/fhir-r4";
import type { Export } from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import { ExportService } from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import {
  type HttpReply,
  type HttpRequest,
  refusalOf,
  requestOverOf,
  type Surface,
  type SurfaceContext,
} from "@wellapi/http";
import { FhirServiceError } from "../../errors.ts";
import { subsetOfType } from "../../search/subset.ts";
import { typeFilterOf } from "../../search/type-filter.ts";
import { ndjsonType } from "../content.ts";
import { calling, root } from "../exchange.ts";
import { notFound } from "../not-found.ts";
import { purposeOf } from "../purpose.ts";
import { writtenOf } from "../search-set.ts";
import { isServed } from "../types.ts";
import { type Cohort, cohortOf, mayHold, partsOf, patientsOfPart, typesOf } from "./cohort.ts";
import { deIdentifiedLines, requireMany } from "./de-identified-file.ts";
import { patiently } from "./patience.ts";
import { createPatientResources } from "./patient-resources.ts";
import { termsOf } from "./terms.ts";

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

/** FHIR Bulk Data Access (https://hl7.org/fhir/uv/bulkdata/): the requests of an export. */
export function mountBulkExport(app: App, context: SurfaceContext): void {
  const asked = (request: HttpRequest, reply: HttpReply): Asked => {
    const base = `${context.origin()}${root}`;
    return { request, reply, transport: context.as(request), base, signal: requestOverOf(reply) };
  };
  const parametersOf = ({ params }: HttpRequest) => params as Readonly<Record<string, string>>;
  const ofPatients = (request: HttpRequest, reply: HttpReply) => kickOff(asked(request, reply), "patient");
  const ofGroup = async (request: HttpRequest, reply: HttpReply) => {
    if (parametersOf(request).id !== group) throw notFound();
    return kickOff(asked(request, reply), "group");
  };
  const body = { config: { rpc: ExportService.method.createExport } };
  app.get(`${root}/Patient/$export`, ofPatients);
  app.post(`${root}/Patient/$export`, body, ofPatients);
  app.get(`${root}/Group/:id/$export`, ofGroup);
  app.post(`${root}/Group/:id/$export`, body, ofGroup);
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
  const { types, since, elements, typeFilters, deIdentified } = termsOf(request);
  const requestId = request.headers["idempotency-key"];
  const { export: made } = await exportsAt(transport).createExport(
    {
      types: [...types],
      ...(since !== undefined && {
        since: { seconds: BigInt(Math.floor(since / 1_000)), nanos: (since % 1_000) * 1e6 },
      }),
      elements: [...elements],
      typeFilters: [...typeFilters],
      purpose: purposeOf(request),
      deIdentified,
      requestId: typeof requestId === "string" ? requestId : randomUUID(),
    },
    calling,
  );
  return reply.code(202).header("content-location", `${base}/$export-status/${level}/${made!.id}`).send();
}

/**
 * Where the files are. They are made when they are asked for, so there is nothing to wait for but the caller's own budget, which the
 * list of patients is taken from. Which files there are follows from the consents alone, and tells nothing of what the patients have.
 */
async function sendManifest(
  { reply, transport, base, signal }: Asked,
  { level = "", export: id = "" }: Readonly<Record<string, string>>,
): Promise<HttpReply> {
  if (!Object.hasOwn(levels, level)) throw notFound();
  const listed = await listedExport(transport, id, signal).catch(waitOf);
  if ("retryAfterSeconds" in listed) {
    return reply
      .code(202)
      .header("retry-after", String(listed.retryAfterSeconds))
      .header("x-progress", "waiting for the budget of your calls")
      .send();
  }
  const { found, cohort } = listed;
  if (found.deIdentified) requireMany(cohort);
  const parts = found.deIdentified ? 1 : partsOf(cohort);
  const possible = typesOf(new Set([...cohort.values()].flatMap((categories) => [...categories])));
  const types = found.types.length === 0 ? possible : found.types.filter((type) => possible.includes(type));
  const told = found.deIdentified ? types.filter((type) => deIdentifiedTypes.has(type)) : types;
  const numbers = Array.from({ length: cohort.size === 0 ? 0 : parts }, (_, part) => part + 1);
  reply
    .header("content-type", "application/json")
    .header("expires", timestampDate(found.expireTime!).toUTCString());
  return reply.send(
    JSON.stringify({
      transactionTime: timestampDate(found.createTime!).toISOString(),
      request: requestOf(`${base}/${levels[level as Level]}`, found),
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

/** An export and its patients. Throws where the caller's budget does not permit to find the one, or to begin with the others. */
async function listedExport(
  transport: Transport,
  id: string,
  signal: AbortSignal,
): Promise<{ readonly found: Export; readonly cohort: Cohort }> {
  const { export: found } = await exportsAt(transport).getExport({ export: id }, calling);
  return { found: found!, cohort: await cohortOf(transport, found!, signal, "refuses") };
}

/** When to ask again for what the caller's budget does not permit now. Throws what else the call has thrown. */
function waitOf(error: unknown): { readonly retryAfterSeconds: number } {
  const { retryAfterSeconds, problem } = refusalOf(error);
  if (retryAfterSeconds !== undefined && problem.reason === "RATE_LIMITED") return { retryAfterSeconds };
  throw error;
}

function requestOf(url: string, { types, since, elements, typeFilters, deIdentified }: Export): string {
  const query = new URLSearchParams({
    ...(types.length > 0 && { _type: types.join(",") }),
    ...(since !== undefined && { _since: timestampDate(since).toISOString() }),
    ...(elements.length > 0 && { _elements: elements.join(",") }),
    ...(deIdentified && { _deIdentified: "true" }),
  });
  for (const filter of typeFilters) query.append("_typeFilter", filter);
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
  { id, since, elements, typeFilters, purpose }: Export,
  type: string,
  patients: readonly string[],
): AsyncGenerator<string> {
  const subset = subsetOfType(type, elements);
  const filters = typeFilters.map(typeFilterOf).filter((one) => one.type === type);
  const changedSince = since && timestampMs(since);
  let piece = "";
  let looked = Date.now();
  for (const patient of patients) {
    const resources = createPatientResources(transport, { patient, base }, purpose, signal);
    try {
      const found =
        filters.length === 0
          ? resources.ofType(type, changedSince)
          : resources.matching(type, filters, changedSince);
      for await (const one of found) {
        piece += `${writtenOf(one, subset)}\n`;
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
