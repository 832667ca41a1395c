import type { ShownCertificate } from "./provider.ts";

/** A request of HTTP to the OAuth server. */
export interface ProtocolRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly certificate: ShownCertificate | undefined;
}

export interface ProtocolAnswer {
  readonly status: number;
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
  readonly body: string;
}

export function json(status: number, body: object): ProtocolAnswer {
  const headers = [["content-type", "application/json; charset=utf-8"]] as const;
  return { status, headers, body: JSON.stringify(body) };
}
