import type { LoggedRequest } from "@wellapi/gen/wellapi/audit/v1/request_log_service_pb";

/** Failed requests that have the same reason: the remedy is one, too. */
export interface RequestGroup {
  readonly reason: string;
  readonly count: number;
  /** RPCs by their full names, those that failed most often first. */
  readonly methods: readonly string[];
}

/** The most frequent first. */
export function failuresByReason(requests: readonly LoggedRequest[]): readonly RequestGroup[] {
  const failed = requests.filter(({ reason }) => reason !== "" && reason !== "CANCELED");
  return [...Map.groupBy(failed, ({ reason }) => reason)]
    .map(([reason, some]) => ({ reason, count: some.length, methods: methodsOf(some) }))
    .sort((a, b) => b.count - a.count);
}

function methodsOf(requests: readonly LoggedRequest[]): string[] {
  return [...Map.groupBy(requests, ({ method }) => method)]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([method]) => method);
}
