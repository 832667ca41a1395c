/** What a failed call answers: Connect's error in JSON (https://connectrpc.com/docs/protocol#error-end-stream). */
import type { DescMessage } from "@bufbuild/protobuf";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import type { JsonSchema } from "./rules.ts";
import type { Schemas } from "./schemas.ts";

const codes = [
  ...["canceled", "unknown", "invalid_argument", "deadline_exceeded", "not_found", "already_exists"],
  ...["permission_denied", "resource_exhausted", "failed_precondition", "aborted", "out_of_range"],
  ...["unimplemented", "internal", "unavailable", "data_loss", "unauthenticated"],
];

const details: readonly (readonly [DescMessage, string])[] = [
  [ErrorInfoSchema, "Exactly one an error: `reason` is what a program decides by."],
  [BadRequestSchema, "Which fields of the request break which rule."],
  [RetryInfoSchema, "When to send the call again."],
];

export function errorSchemas(schemas: Schemas): Readonly<Record<string, JsonSchema>> {
  const known = details.map(([message, description]) => ({
    description,
    properties: { type: { const: message.typeName }, debug: schemas.refTo(message, "answer") },
  }));
  const others = {
    description: "Another detail.",
    properties: { type: { not: { enum: details.map(([{ typeName }]) => typeName) } } },
  };
  return {
    "connect.Error": {
      type: "object",
      title: "Error",
      description: "A refused or failed call. It never holds health data or a credential.",
      required: ["code", "details"],
      properties: {
        code: { type: "string", enum: codes, description: "As of gRPC; the HTTP status follows from it." },
        message: { type: "string", description: "For people: what is wrong, and what to do." },
        details: { type: "array", items: { $ref: "#/components/schemas/connect.ErrorDetail" }, minItems: 1 },
      },
    },
    "connect.ErrorDetail": {
      type: "object",
      title: "ErrorDetail",
      required: ["type", "value"],
      properties: {
        type: { type: "string", description: "The name of the message." },
        value: {
          type: "string",
          contentEncoding: "base64",
          description: "The message in protobuf's binary form, base64 without padding.",
        },
        debug: {
          description: "The message in JSON; absent where the server passes on an answer of another.",
        },
      },
      anyOf: [...known, others],
    },
  };
}
