import { Code, ConnectError } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import { problemError } from "@wellapi/rpc";
import { beyondJsonShape } from "@wellapi/runtime";

/** No contract nests deeper than 12 messages. */
const mostDepth = 32;
/**
 * Objects and arrays of one message. An empty one takes three bytes and about a microsecond, so that 1 MiB of them would
 * hold the process for a third of a second; a full batch of 1,000 observations has some 20,000.
 */
const mostElements = 50_000;

/** @throws ConnectError MALFORMED_MESSAGE for JSON that is deeper or has more elements than any message needs. */
export function assertJsonShape(bytes: Uint8Array): void {
  switch (beyondJsonShape(bytes, { mostDepth, mostElements })) {
    case "too_deep":
      throw malformed(`it is nested deeper than ${mostDepth} levels`);
    case "too_many":
      throw malformed(`it has more than ${mostElements} objects and arrays`);
  }
}

function malformed(why: string): ConnectError {
  return problemError({
    code: Code.InvalidArgument,
    reason: "MALFORMED_MESSAGE",
    message: `the JSON is refused before it is parsed, because ${why}: write it as the contract has it, and send less at a time`,
  });
}

/**
 * The body as it was sent, looked at when Connect reads it and not before. A compressed one is decompressed here and again
 * by Connect, which takes no message that is decompressed already.
 */
export async function* inspectedJson(
  body: AsyncIterable<Uint8Array>,
  options: { readonly gzip: boolean; readonly mostBytes: number },
): AsyncIterable<Uint8Array> {
  const { gzip, mostBytes } = options;
  const sent = await wholeBody(body, mostBytes);
  assertJsonShape(gzip ? await compressionGzip.decompress(sent, mostBytes) : sent);
  yield sent;
}

async function wholeBody(
  body: AsyncIterable<Uint8Array>,
  mostBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > mostBytes) {
      throw new ConnectError(`message is larger than ${mostBytes} bytes`, Code.ResourceExhausted);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
