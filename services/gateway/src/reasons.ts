import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorFromJson, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { ErrorInfoSchema } from "@wellapi/gen/google/rpc/error_details_pb";
import { type Problem, problemError } from "@wellapi/rpc";
import type { JsonRemedy } from "./json-remedy.ts";

/** Answers without a body, which Connect gives before it knows the method. */
const bare: Readonly<Record<number, Problem>> = {
  405: {
    code: Code.Unimplemented,
    reason: "METHOD_NOT_ALLOWED",
    message: "call it with POST; GET is for methods without side effects only",
  },
  415: {
    code: Code.Unimplemented,
    reason: "UNSUPPORTED_MEDIA_TYPE",
    message: 'send "content-type: application/json" with a JSON body',
  },
};

/**
 * The answer. If Connect refused the request before our interceptors, it gets a reason and a remedy here:
 * an invalid or too large body, an unknown encoding or an unknown header.
 */
export async function reasoned(
  answer: UniversalServerResponse,
  maximumMessageBytes: number,
  jsonRemedy: JsonRemedy,
): Promise<UniversalServerResponse> {
  const known = answer.body === undefined ? bare[answer.status] : undefined;
  if (known !== undefined) return refusal(answer, problemError(known));
  const header = new Headers(answer.header);
  const isError = answer.status >= 400 && header.get("content-type") === "application/json";
  // A compressed answer already has details.
  if (!isError || header.has("content-encoding") || answer.body === undefined) return answer;
  const bytes = Buffer.concat(await Array.fromAsync(answer.body as AsyncIterable<Uint8Array>));
  const said = errorFromJson(JSON.parse(bytes.toString()), undefined, new ConnectError("", Code.Unknown));
  if (said.findDetails(ErrorInfoSchema).length > 0) return { ...answer, body: each(bytes) };
  return refusal(answer, problemError(problemOfRequest(said, maximumMessageBytes, jsonRemedy)));
}

function problemOfRequest(
  { code, rawMessage }: ConnectError,
  maximumMessageBytes: number,
  jsonRemedy: JsonRemedy,
): Problem {
  if (code === Code.ResourceExhausted && rawMessage.includes("writeMaxBytes")) {
    return {
      // Not RESOURCE_EXHAUSTED, which clients retry: the same request gets the same answer.
      code: Code.OutOfRange,
      reason: "ANSWER_TOO_LARGE",
      message: `the answer is larger than ${maximumMessageBytes} bytes: ask for less, by page_size or a shorter interval`,
    };
  }
  if (code === Code.ResourceExhausted) {
    return {
      code,
      reason: "MESSAGE_TOO_LARGE",
      message: `the request is larger than ${maximumMessageBytes} bytes: send less at a time`,
    };
  }
  if (code === Code.InvalidArgument) {
    const remedy = jsonRemedy(rawMessage) ?? "write it as the contract has it";
    return { code, reason: "MALFORMED_MESSAGE", message: `${rawMessage}: ${remedy}` };
  }
  return { code, reason: "REQUEST_REFUSED", message: rawMessage };
}

/** The answer with the error as its body. */
export function refusal(answer: UniversalServerResponse, error: ConnectError): UniversalServerResponse {
  const bytes = errorToJsonBytes(error, undefined);
  const header = new Headers(answer.header);
  header.delete("content-encoding");
  header.set("content-type", "application/json");
  header.set("content-length", String(bytes.length));
  // Connect has a specific status for requests that it refuses, but none for an answer that is too large.
  const status = error.code === Code.OutOfRange ? codeToHttpStatus(error.code) : answer.status;
  return { ...answer, status, header, body: each(bytes) };
}

async function* each(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
