import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { createClient } from "@connectrpc/connect";
import { FhirError, type FhirResource, parseJson } from "@wellapi/fhir-r4";
import {
  type ClinicalOutcome,
  ClinicalOutcome_Status,
} from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import {
  type HttpReply,
  type HttpRequest,
  refusalOf,
  requestOverOf,
  type Surface,
  type SurfaceContext,
} from "@wellapi/http";
import { FhirServiceError } from "../../errors.ts";
import { inwardText, subjectOf } from "../../mapping/subject.ts";
import { patiently } from "../bulk/patience.ts";
import { ndjsonType } from "../content.ts";
import { calling, root } from "../exchange.ts";
import { createSlots } from "../slots.ts";
import { isServed } from "../types.ts";
import { servedId, textOf } from "../write.ts";
import { type NumberedLine, readLines } from "./lines.ts";
import { type LineOutcome, outcomeLine, refused } from "./outcome-lines.ts";

type App = Parameters<Surface["mount"]>[0];

/** Of one request. A record has 1 MiB at most. */
const limits = { line: 1_048_576, total: 8_388_608, lines: 10_000 };
/** Each holds its lines in memory. */
const mostAtOnce = 4;
/** Of one commit. */
const batchLines = 100;
const batchCharacters = 1_048_576;

/** A line that can be sent on. */
interface Taken {
  readonly number: number;
  readonly patient: string;
  readonly type: string;
  readonly resource: string;
  readonly fullUrl: string;
}

/**
 * POST $import: NDJSON in, an outcome a line. The lines of a patient that stand together are stored together, and a line that is refused
 * costs the others nothing. The same lines sent again are stored once: so whoever was cut off sends them again.
 */
export function mountImport(app: App, context: SurfaceContext): void {
  const slots = createSlots(mostAtOnce, "Others are importing: try again in a minute");
  const { writeClinicalRecords } = ClinicalRecordsService.method;
  app.post(`${root}/$import`, { config: { rpc: writeClinicalRecords } }, async (request, reply) => {
    if (!(request.body instanceof Readable)) {
      throw new FhirServiceError("INVALID_REQUEST", `Send resources, one a line, as ${ndjsonType}`);
    }
    const over = requestOverOf(reply);
    slots.take(over);
    return importLines(context, request, reply, request.body, over);
  });
}

async function importLines(
  context: SurfaceContext,
  request: HttpRequest,
  reply: HttpReply,
  body: Readable,
  over: AbortSignal,
): Promise<HttpReply> {
  const records = createClient(ClinicalRecordsService, context.as(request));
  const { lines, cut } = await read(body);
  const base = `${context.origin()}${root}`;
  const key = textOf(request.headers["idempotency-key"]) ?? "";
  const outcomes: LineOutcome[] = [];
  for (const batch of batchesOf(lines, base, outcomes)) {
    const { patient } = batch[0]!;
    const writes = batch.map(({ resource, fullUrl }) => {
      return { operation: { case: "create", value: { resource, fullUrl } } } as const;
    });
    const requestId = requestIdOf(key, batch);
    try {
      const { receipt } = await patiently(over, () =>
        records.writeClinicalRecords({ batch: { requestId, patient, writes } }, calling),
      );
      outcomes.push(...batch.map((line, at) => outcomeOf(line, receipt!.outcomes[at]!)));
    } catch (error) {
      const { problem, status } = refusalOf(error);
      // Of the whole request, and not of these lines: the caller is told so, and sends it again.
      if (status === 401 || status >= 500 || over.aborted) throw error;
      outcomes.push(...batch.map(({ number }) => refused(number, problem.reason, problem.message)));
    }
  }
  if (cut) {
    const number = (lines.at(-1)?.number ?? 0) + 1;
    outcomes.push(
      refused(
        number,
        "NOT_READ",
        "Nothing was read from this line on: send at most 8 MiB and 10,000 lines at a time",
      ),
    );
  }
  outcomes.sort((a, b) => a.number - b.number);
  reply.header("content-type", `${ndjsonType}; charset=utf-8`);
  return reply.send(outcomes.map(outcomeLine).join(""));
}

async function read(body: Readable) {
  try {
    return await readLines(body, limits);
  } catch (cause) {
    throw new FhirServiceError("INVALID_REQUEST", "The body broke off, or is no UTF-8", { cause });
  }
}

/** The same for the same lines: of the caller's key too, where there is one. */
function requestIdOf(key: string, batch: readonly Taken[]): string {
  const hash = createHash("sha256").update(key);
  for (const { resource } of batch) hash.update("\n").update(resource);
  return `import-${hash.digest("base64url")}`;
}

/** Lines of one patient that stand together. What cannot be sent on gets its outcome at once. */
function* batchesOf(
  lines: readonly NumberedLine[],
  base: string,
  outcomes: LineOutcome[],
): Generator<readonly Taken[]> {
  let batch: Taken[] = [];
  let characters = 0;
  for (const line of lines) {
    const taken = takenOf(line, base);
    if ("reason" in taken) {
      outcomes.push(taken);
      continue;
    }
    const full = batch.length === batchLines || characters + taken.resource.length > batchCharacters;
    const apart = batch.length > 0 && batch[0]!.patient !== taken.patient;
    const named = taken.fullUrl !== "" && batch.some(({ fullUrl }) => fullUrl === taken.fullUrl);
    if (batch.length > 0 && (full || apart || named)) {
      yield batch;
      batch = [];
      characters = 0;
    }
    batch.push(taken);
    characters += taken.resource.length;
  }
  if (batch.length > 0) yield batch;
}

function takenOf({ number, text }: NumberedLine, base: string): Taken | LineOutcome {
  if (text === undefined) return refused(number, "LINE_TOO_LONG", "A line has 1 MiB at most");
  try {
    const resource = parseJson(text);
    const { resourceType: type } = resource;
    if (!isServed(type))
      return refused(
        number,
        "NOT_SUPPORTED",
        `This type is not stored: ${root}/metadata lists those that are`,
      );
    const patient = subjectOf(resource, base);
    if (patient === undefined)
      return refused(
        number,
        "NO_PATIENT",
        "It has to refer to its patient: Patient/ and the id that the patient has here, pat-…",
      );
    return {
      number,
      patient,
      type,
      resource: inwardText(resource, patient, base),
      fullUrl: fullUrlOf(resource),
    };
  } catch (error) {
    if (!(error instanceof FhirError) && !(error instanceof FhirServiceError)) throw error;
    return { number, reason: "INVALID_RESOURCE", findings: error.findings };
  }
}

/** How lines beside it refer to it. */
function fullUrlOf({ resourceType, id }: FhirResource): string {
  return typeof id === "string" ? `${resourceType}/${id}` : "";
}

function outcomeOf({ number, type, patient }: Taken, outcome: ClinicalOutcome): LineOutcome {
  const reason = outcome.violations[0]?.reason ?? ClinicalOutcome_Status[outcome.status]!;
  if (outcome.status !== ClinicalOutcome_Status.REJECTED) {
    return { number, reason, location: `${type}/${servedId(type, patient, outcome.record)}`, findings: [] };
  }
  const findings = outcome.violations.map(({ field, description }) => {
    return { severity: "error", code: "value", text: description, expression: field } as const;
  });
  return { number, reason, findings };
}
