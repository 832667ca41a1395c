import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { requestIdFrom, requestIdHeader, versionHeader } from "@wellapi/rpc";
import { type Logger, version } from "@wellapi/runtime";
import type { HttpProblem, Refusal } from "./refusal.ts";

/** An error of a connection that Node reads HTTP from, with its code. */
export type ClientError = Error & { readonly code: string };

/** A request whose target cannot be read. */
export const badRequest: Refusal = {
  status: 400,
  problem: {
    code: "invalid_argument",
    reason: "MALFORMED_REQUEST",
    message: "the request is not valid HTTP: its first line, its headers or the coding of its path are wrong",
  },
};

const headersTooLarge: Refusal = {
  status: 431,
  problem: {
    code: "resource_exhausted",
    reason: "HEADERS_TOO_LARGE",
    message: "the headers are larger than 16,384 bytes: send less in them; a message belongs into the body",
  },
};

const tooSlow: Refusal = {
  status: 408,
  problem: {
    code: "deadline_exceeded",
    reason: "REQUEST_TOO_SLOW",
    message: "the request did not arrive in time: its headers have 10 seconds, all of it 30: send it again",
  },
};

function refusalOf({ code }: ClientError): Refusal {
  if (code === "HPE_HEADER_OVERFLOW") return headersTooLarge;
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return tooSlow;
  return badRequest;
}

/** The client left in the middle of a request: nobody is refused. */
const gone = "HPE_INVALID_EOF_STATE";

/** Whether the error is about HTTP: one of a connection or of its TLS leaves nobody whom an answer would reach. */
function isOfHttp({ code }: ClientError): boolean {
  return code !== gone && (code?.startsWith("HPE_") || code?.startsWith("ERR_HTTP_"));
}

/**
 * Bytes that are no request: there is no reply to write with, so the answer goes to the socket, which ends. True where the
 * client is to blame.
 */
export function refuseBytes(error: ClientError, socket: Socket, log: Logger): boolean {
  if (!isOfHttp(error) || !socket.writable) {
    socket.destroy();
    return false;
  }
  const { status, problem } = refusalOf(error);
  const id = requestIdFrom(undefined);
  log.info({ status, reason: problem.reason, request_id: id }, "request refused");
  socket.end(rawAnswer(status, problem, id));
  return true;
}

function rawAnswer(status: number, problem: HttpProblem, id: string): string {
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "content-type: application/json; charset=utf-8",
    "cache-control: no-store",
    `${requestIdHeader}: ${id}`,
    `${versionHeader}: ${version}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}
