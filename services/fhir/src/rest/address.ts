import type { HttpRequest } from "@wellapi/http";

/** Parameters of the address of a request. */
export function queryOf(request: HttpRequest): URLSearchParams {
  return new URL(request.raw.url ?? "/", "http://surface").searchParams;
}

/** The query without the place of its page. */
export function pageless(parameters: URLSearchParams): string {
  return new URLSearchParams([...parameters].filter(([name]) => name !== "_page")).toString();
}
