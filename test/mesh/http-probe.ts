/** One HTTPS call at the edge, and who answered it. */
import { Agent, request } from "node:https";
import { apiHost, edgeIp } from "./addresses.ts";

export interface HttpCall {
  readonly path: string;
  /** POST of an empty JSON object unless given. */
  readonly method?: "GET" | "POST" | "DELETE";
  /** Of a POST. */
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** Connects by another name. */
  readonly serverName?: string;
  readonly maxVersion?: "TLSv1.2";
}

/**
 * `200`; `401 unauthenticated`, the code in the service's own JSON; `401 Jwt is expired`, a proxy's words;
 * `no connection`.
 */
export function callApi({
  path,
  method = "POST",
  body = {},
  headers,
  serverName,
  maxVersion,
}: HttpCall): Promise<string> {
  return new Promise((resolve) => {
    const sent = request(
      {
        host: edgeIp,
        servername: serverName ?? apiHost,
        path,
        method,
        headers: { host: apiHost, "content-type": "application/json", ...headers },
        // A connection each: one that is open is judged by a former policy once more.
        agent: new Agent({ keepAlive: false, maxCachedSessions: 0 }),
        timeout: 5_000,
        ...(maxVersion && { maxVersion }),
      },
      (response) => {
        let answer = "";
        response.setEncoding("utf8");
        response.on("data", (text: string) => {
          answer += text;
        });
        response.on("end", () => resolve(`${response.statusCode} ${wordsOf(answer)}`.trim()));
        response.on("error", () => resolve("cut"));
      },
    );
    sent.on("timeout", () => sent.destroy());
    sent.on("error", () => resolve("no connection"));
    sent.end(method === "POST" ? JSON.stringify(body) : undefined);
  });
}

/** Of a refusal; an answer's content is nobody's business here. */
export function wordsOf(body: string): string {
  try {
    const { code } = JSON.parse(body) as { code?: unknown };
    return typeof code === "string" ? code : "";
  } catch {
    return body.length < 100 ? body : "";
  }
}
