import { createClient } from "@connectrpc/connect";
import { samplesOf, WellApiError } from "@wellapi/client";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Company } from "./people.ts";

/** An open WatchSeries. */
export interface Watch {
  /** Whether this many samples have arrived within the time. */
  delivered(samples: number, withinMs: number): Promise<boolean>;
  /** The reason for which the server ended it, or `still open` after the time. */
  ended(withinMs: number): Promise<string>;
}

/** Resolves once the server has authorized the watch. */
export async function openWatch(company: Company, patient: string, code: string): Promise<Watch> {
  let arrived = 0;
  let wake: () => void = () => {};
  let authorized: () => void = () => {};
  const started = new Promise<void>((resolve) => {
    authorized = resolve;
  });
  const stop = new AbortController();

  const end = (async () => {
    try {
      const client = createClient(RecordsService, company.transport);
      const request = { patient, codes: [{ code }], purpose: Purpose.TREATMENT };
      for await (const { payload } of client.watchSeries(request, { signal: stop.signal })) {
        if (payload.case === "start") authorized();
        if (payload.case === "series") {
          arrived += samplesOf(payload.value).length;
          wake();
        }
      }
      return "ended without a status";
    } catch (error) {
      return WellApiError.from(error).reason;
    }
  })();

  const ending = await Promise.race([started, end]);
  if (ending !== undefined) throw new Error(`the watch was refused: ${ending}`);

  const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref());
  return {
    async delivered(samples, withinMs) {
      const deadline = performance.now() + withinMs;
      while (arrived < samples && performance.now() < deadline) {
        const more = new Promise<void>((resolve) => {
          wake = resolve;
        });
        await Promise.race([more, after(Math.max(0, deadline - performance.now()))]);
      }
      return arrived === samples;
    },
    async ended(withinMs) {
      const reason = await Promise.race([end, after(withinMs).then(() => "still open")]);
      stop.abort();
      return reason;
    },
  };
}
