import { type DescMethod, getOption, hasOption } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { max_request_bytes } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import type { Problem } from "../problem.ts";

/** What a door takes of a method whose contract does not say more. */
export const usualRequestBytes = 65_536;

const known = new WeakMap<DescMethod, number>();

/** The largest request message of the method at a door, bytes after decompression. */
export function requestBytesOf(method: DescMethod): number {
  const found = known.get(method) ?? readLimit(method);
  known.set(method, found);
  return found;
}

function readLimit(method: DescMethod): number {
  return hasOption(method, max_request_bytes) ? getOption(method, max_request_bytes) : usualRequestBytes;
}

export function messageTooLarge(mostBytes: number): Problem {
  return {
    code: Code.ResourceExhausted,
    reason: "MESSAGE_TOO_LARGE",
    message: `the request is larger than ${mostBytes} bytes, after decompression: send less at a time`,
  };
}
