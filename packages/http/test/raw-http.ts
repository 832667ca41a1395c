import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { connect } from "node:net";

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/**
 * Sends the headers of a request whose body never comes, although `content-length` promises it: an answer shows that
 * the server did not wait for the body.
 */
export async function withoutBody(
  url: string,
  path: string,
  headers: Record<string, string>,
): Promise<RawAnswer> {
  const sent = request(`${url}/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "content-length": "1078", ...headers },
  });
  sent.on("error", () => {}); // It is destroyed below, with its promise unkept.
  sent.flushHeaders();
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  const body = Buffer.concat(await Array.fromAsync(answer as AsyncIterable<Buffer>)).toString();
  sent.destroy();
  return { status: answer.statusCode!, headers: answer.headers, body };
}

/** Sends bytes that need not be a request, and reads until the server ends the connection. */
export async function sendBytes(url: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), "localhost");
  socket.write(bytes);
  return Buffer.concat(await Array.fromAsync(socket as AsyncIterable<Buffer>)).toString();
}
