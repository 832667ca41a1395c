/** The operations of an RPC that HTTP/1.1 carries. */
import { type DescMethod, getOption } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { CallerKind, type Callers, destructive } from "../../gen/wellapi/type/v1/callers_pb.js";
import { actingAsHeader } from "../../packages/rpc/src/caller/session-cookie.ts";
import { deprecatedIn } from "../../packages/rpc/src/checks/deprecation.ts";
import { requestBytesOf } from "../../packages/rpc/src/checks/request-size.ts";
import { faultHeader, orderedFaults } from "../../packages/rpc/src/interceptors/faults.ts";
import { callersInWords } from "../callers-words.ts";
import { commentOf, paragraphs } from "./comments.ts";
import { deprecationOf } from "./deprecation.ts";
import { given, type JsonSchema } from "./rules.ts";
import type { Schemas } from "./schemas.ts";
import { requirementsOf } from "./security.ts";

const parameter = (name: string): JsonSchema => ({ $ref: `#/components/parameters/${name}` });

/** Headers and query parameters that operations share. */
export const sharedParameters: Readonly<Record<string, JsonSchema>> = {
  ConnectProtocolVersion: {
    name: "connect-protocol-version",
    in: "header",
    description: "Of Connect's protocol. Not needed.",
    schema: { type: "string", const: "1" },
  },
  ConnectTimeoutMs: {
    name: "connect-timeout-ms",
    in: "header",
    description:
      "Milliseconds after which the caller no longer wants the answer; the server stops working for it.",
    schema: { type: "string", pattern: "^[0-9]{1,10}$" },
  },
  ActingAs: {
    name: actingAsHeader,
    in: "header",
    description:
      "As whom a signed-in person acts in this call: the id of a patient or of an organization, `staff`, or `account`.",
    schema: { type: "string" },
  },
  SandboxFault: {
    name: faultHeader,
    in: "header",
    description:
      "At a sandbox alone, with a credential: the call fails as this says, so that you see what your program does. `revoke-mid-stream` is for streams of a patient's data. Any other exchange refuses the header (SANDBOX_ONLY).",
    schema: { type: "string", enum: [...orderedFaults] },
  },
  ConnectGet: {
    name: "connect",
    in: "query",
    required: true,
    schema: { type: "string", const: "v1" },
  },
  ConnectEncoding: {
    name: "encoding",
    in: "query",
    required: true,
    schema: { type: "string", const: "json" },
  },
};

/** Of every answer. */
export const answerHeaders: JsonSchema = {
  "x-request-id": { $ref: "#/components/headers/RequestId" },
  "wellapi-version": { $ref: "#/components/headers/Version" },
};

/** Undefined for what streams both ways: HTTP/1.1 cannot carry it. */
export function pathItem(method: DescMethod, callers: Callers, schemas: Schemas): JsonSchema | undefined {
  if (streamsUp(method)) return undefined;
  const shared = sharedOf(method, callers);
  const answer = schemas.refTo(method.output, "answer");
  const request = schemas.refTo(method.input, "request");
  if (method.methodKind === "server_streaming") {
    return { post: { ...shared, ...streamed(request, answer) } };
  }
  const post = {
    ...shared,
    requestBody: { required: true, content: { "application/json": { schema: request } } },
    responses: responses({ "application/json": { schema: answer } }),
  };
  if (method.idempotency !== Idempotency.NO_SIDE_EFFECTS) return { post };
  const message = {
    name: "message",
    in: "query",
    required: true,
    description: "The request, as JSON.",
    schema: { type: "string", contentMediaType: "application/json", contentSchema: request },
  };
  const get = {
    ...shared,
    operationId: `${operationId(method)}_Get`,
    parameters: [parameter("ConnectGet"), parameter("ConnectEncoding"), message],
    responses: responses({ "application/json": { schema: answer } }),
  };
  return { get, post };
}

export function streamsUp({ methodKind }: DescMethod): boolean {
  return methodKind === "bidi_streaming" || methodKind === "client_streaming";
}

/** `ConsentService_GetConsent`; of a later version `ConsentServiceV2_GetConsent`, so that those of v1 keep their names beside it. */
export function operationId({ parent, name }: DescMethod): string {
  const version = /\.v(\d+)\.\w+$/.exec(parent.typeName)?.[1] ?? "1";
  return `${parent.name}${version === "1" ? "" : `V${version}`}_${name}`;
}

function sharedOf(method: DescMethod, callers: Callers): JsonSchema {
  const { kinds } = callers;
  const asPerson = [CallerKind.PATIENT, CallerKind.MEMBER, CallerKind.PERSON, CallerKind.OPERATOR];
  const acting = asPerson.some((kind) => kinds.includes(kind)) && !kinds.includes(CallerKind.ANYONE);
  const words = callersInWords(callers);
  return given({
    tags: [method.parent.typeName],
    operationId: operationId(method),
    summary: method.name,
    description: paragraphs(commentOf(method), whoMayCall(callers)),
    ...deprecationOf(deprecatedIn(method)?.method?.terms),
    security: requirementsOf(callers),
    parameters: [
      "ConnectProtocolVersion",
      "ConnectTimeoutMs",
      ...(acting ? ["ActingAs"] : []),
      "SandboxFault",
    ].map(parameter),
    "x-callers": words,
    "x-max-request-bytes": requestBytesOf(method),
    "x-idempotency": idempotencyOf(method),
    "x-destructive": getOption(method, destructive) || undefined,
  });
}

/** Undefined where a repeat may do its work twice, unless its `request_id` says that it is one. */
function idempotencyOf({ idempotency }: DescMethod): string | undefined {
  return idempotency ? Idempotency[idempotency]?.toLowerCase() : undefined;
}

/** Who may call the RPC, as a sentence. */
export function whoMayCall(callers: Callers): string {
  const { principals, members, staff, signIn } = callersInWords(callers);
  const who = [
    ...principals,
    ...members.map((role) => `member (${role})`),
    ...staff.map((role) => `staff (${role})`),
  ];
  return `May be called by: ${who.join(", ")}.${signIn === "" ? "" : ` People need a sign-in by: ${signIn}.`}`;
}

function responses(content: JsonSchema): JsonSchema {
  return {
    "200": {
      description: "The answer.",
      headers: answerHeaders,
      content,
    },
    default: { $ref: "#/components/responses/Error" },
  };
}

/**
 * OpenAPI 3.1 has no word for a stream of messages: the bodies are bytes, and `x-item-schema` is what 3.2 calls `itemSchema`,
 * so that no client generated from the document takes the stream for one message.
 */
function streamed(request: JsonSchema, answer: JsonSchema): JsonSchema {
  const frames = (item: JsonSchema) => ({
    "application/connect+json": { schema: { type: "string", format: "binary" }, "x-item-schema": item },
  });
  return {
    "x-stream": "server",
    requestBody: {
      required: true,
      description:
        "One message in an envelope (https://connectrpc.com/docs/protocol#streaming-request): a byte of flags, 0, and the length in four bytes, big-endian.",
      content: frames(request),
    },
    responses: responses(frames(answer)),
  };
}
