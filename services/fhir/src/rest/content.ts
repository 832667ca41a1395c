import { Readable } from "node:stream";
import {
  type FhirFormat,
  type FhirResource,
  formatOf,
  formatResource,
  mediaTypes,
  parseJson,
  parseResource,
  parseXml,
} from "@wellapi/fhir-r4";
import { type HttpReply, type HttpRequest, preferencesOf } from "@wellapi/http";
import { FhirServiceError } from "../errors.ts";

/** A body as it was sent; it is read once its route knows what it is for. */
export interface SentText {
  readonly format: FhirFormat;
  readonly text: string;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function sent(format: FhirFormat): (bytes: Buffer) => SentText {
  return (bytes) => ({ format, text: utf8.decode(bytes) });
}

/** Of resources one a line: of what is exported and imported. */
export const ndjsonType = "application/fhir+ndjson";

/** By media type (FHIR R4, 3.1.0.1.11). */
export const parsers = {
  "application/fhir+json": sent("json"),
  "application/json": sent("json"),
  "application/fhir+xml": sent("xml"),
  "application/xml": sent("xml"),
  "application/x-www-form-urlencoded": (bytes: Buffer) => new URLSearchParams(utf8.decode(bytes)),
};

/** The resource in a body, judged. Throws FhirError, or FhirServiceError where there is no body, a form, or resources one a line. */
export function sentResource(request: HttpRequest): FhirResource {
  const { text, format } = sentText(request);
  return parseResource(text, format);
}

/**
 * The resource in a body as its text has it, for *records* to judge: who writes is told by `explained` what is wrong. Throws as
 * `sentResource` does, but for what only `validate` finds.
 */
export function unjudgedResource(request: HttpRequest): FhirResource {
  const { text, format } = sentText(request);
  return format === "json" ? parseJson(text) : parseXml(text);
}

function sentText({ body }: HttpRequest): SentText {
  if (body === undefined || body === null || body instanceof URLSearchParams || body instanceof Readable) {
    throw new FhirServiceError(
      "INVALID_REQUEST",
      `Send a resource, as ${mediaTypes.json} or ${mediaTypes.xml}`,
    );
  }
  return body as SentText;
}

/** The format that the caller asks for: `_format` before `accept`; JSON where it takes anything. Undefined: neither of ours. */
export function askedFormat(request: HttpRequest): FhirFormat | undefined {
  const named = new URL(request.raw.url ?? "/", "http://surface").searchParams.get("_format");
  if (named !== null) return formatOf(named);
  for (const type of preferencesOf(request.headers.accept ?? "*/*")) {
    if (type === "*/*" || type === "application/*") return "json";
    const format = formatOf(type);
    if (format !== undefined) return format;
  }
  return undefined;
}

/** Throws NOT_ACCEPTABLE before any work is done. */
export function requireFormat(request: HttpRequest): FhirFormat {
  const format = askedFormat(request);
  if (format !== undefined) return format;
  throw new FhirServiceError("NOT_ACCEPTABLE", `Accept ${mediaTypes.json} or ${mediaTypes.xml}`);
}

export function contentTypeOf(format: FhirFormat): string {
  return `${mediaTypes[format]}; charset=utf-8`;
}

export function sendResource(reply: HttpReply, format: FhirFormat, resource: FhirResource): HttpReply {
  return reply.header("content-type", contentTypeOf(format)).send(formatResource(resource, format));
}
