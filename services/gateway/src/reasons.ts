import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorFromJson, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { ErrorInfoSchema } from "@wellapi/gen/google/rpc/error_details_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { messageTooLarge, type Problem, problemError } from "@wellapi/rpc";
import type { JsonRemedy } from "./json-remedy.ts";

/** The RPC that does what the stream does, for callers without streams. */
const unaryForms: Readonly<Record<string, string>> = {
  [nameOf(IngestionService.method.streamSeries)]: nameOf(IngestionService.method.createSeries),
  [nameOf(IngestionService.method.streamObservations)]: nameOf(IngestionService.method.createObservations),
  [nameOf(RecordsService.method.readSeries)]: nameOf(RecordsService.method.querySeries),
};

function nameOf(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

/** Answers without a body, which Connect gives by the request's head, before the call is admitted. */
function bareProblem(status: number, method: DescMethod): Problem | undefined {
  const code = Code.Unimplemented;
  const unary = unaryForms[nameOf(method)];
  const instead = unary === undefined ? "" : `, or call ${unary} with "content-type: application/json"`;
  switch (status) {
    case 405:
      return {
        code,
        reason: "METHOD_NOT_ALLOWED",
        message: "call it with POST; GET is for methods without side effects only",
      };
    case 415:
      return {
        code,
        reason: "UNSUPPORTED_MEDIA_TYPE",
        message:
          method.methodKind === "unary"
            ? 'send "content-type: application/json" with a JSON body'
            : `it is a stream: send "content-type: application/connect+json" with each message in an envelope (https://connectrpc.com/docs/protocol#streaming-rpcs)${instead}`,
      };
    case 505:
      return {
        code,
        reason: "STREAM_NOT_SERVED",
        message: `${method.name} streams both ways, which HTTP/1.1 cannot carry: use the gRPC door${instead}`,
      };
    default:
      return undefined;
  }
}

/** The problem of an answer that Connect gave before the call was admitted: without one line in the log yet. */
export function unadmittedProblem(answer: UniversalServerResponse, method: DescMethod): Problem | undefined {
  return answer.body === undefined ? bareProblem(answer.status, method) : undefined;
}

/**
 * The answer. If Connect refused the request before our interceptors, it gets a reason and a remedy here:
 * an invalid or too large body, an unknown encoding or an unknown header.
 */
export async function reasoned(
  answer: UniversalServerResponse,
  terms: CallTerms,
): Promise<UniversalServerResponse> {
  const known = unadmittedProblem(answer, terms.method);
  if (known !== undefined) return refusal(answer, problemError(known));
  if (answer.status < 400 || answer.body === undefined) return answer;
  const header = new Headers(answer.header);
  // A compressed answer already has details.
  if (header.get("content-type") !== "application/json" || header.has("content-encoding")) return answer;
  const bytes = Buffer.concat(await Array.fromAsync(answer.body as AsyncIterable<Uint8Array>));
  const said = errorFromJson(JSON.parse(bytes.toString()), undefined, new ConnectError("", Code.Unknown));
  if (said.findDetails(ErrorInfoSchema).length > 0) return { ...answer, body: each(bytes) };
  return refusal(answer, problemError(problemOfRequest(said, terms)));
}

/** What a call of the method is told when it is refused. */
export interface CallTerms {
  readonly method: DescMethod;
  /** Largest messages. */
  readonly requestBytes: number;
  readonly answerBytes: number;
  readonly jsonRemedy: JsonRemedy;
}

/** Codes with which Connect refuses a body. */
const bodyRefusals: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.ResourceExhausted,
  Code.Unimplemented,
  Code.Internal,
]);

/** The problem of a body that Connect refused; undefined for the end of a call, which has its own reason. */
export function problemOfBody(error: ConnectError, terms: CallTerms): Problem | undefined {
  return bodyRefusals.has(error.code) ? problemOfRequest(error, terms) : undefined;
}

function problemOfRequest({ code, rawMessage }: ConnectError, terms: CallTerms): Problem {
  if (code === Code.ResourceExhausted && rawMessage.includes("writeMaxBytes")) {
    return {
      // Not RESOURCE_EXHAUSTED, which clients retry: the same request gets the same answer.
      code: Code.OutOfRange,
      reason: "ANSWER_TOO_LARGE",
      message: `the answer is larger than ${terms.answerBytes} bytes: ask for less, by page_size or a shorter interval`,
    };
  }
  if (code === Code.ResourceExhausted) return messageTooLarge(terms.requestBytes);
  if (code === Code.InvalidArgument) {
    const remedy = terms.jsonRemedy(rawMessage) ?? "write it as the contract has it";
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
