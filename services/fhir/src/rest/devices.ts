import type { FhirResource } from "@wellapi/fhir-r4";
import { deviceResource } from "../mapping/device-convert.ts";
import type { LogicalId } from "../mapping/logical-id.ts";
import type { SearchQuery } from "../search/query-convert.ts";
import { calling, type Exchange } from "./exchange.ts";
import { refuseStrangers } from "./observations/read.ts";
import { type Found, nothing, readySource, type Source } from "./observations/source.ts";
import { isDenial } from "./outcome.ts";

/** Whether the id is of a device that measured, and not of a clinical record. */
export function isMeasuringDevice({ record }: LogicalId): boolean {
  return record.startsWith("dev_");
}

/** The devices whose samples the caller may read, by id. @param only these, by the caller's own ids: `dev_…` */
export async function devicesOf(
  exchange: Exchange,
  patient: string,
  only: readonly string[] = [],
): Promise<readonly FhirResource[]> {
  const { measurements, purpose, base } = exchange;
  const devices = new Map<string, FhirResource>();
  let pageToken = "";
  do {
    const asked = { patient, purpose, pageSize: 200, pageToken, sources: { deviceIds: [...only] } };
    const page = await measurements.listSeries(asked, calling).catch(async (error: unknown) => {
      // Who may read other things of the patient may read of no device here.
      if (!isDenial(error)) throw error;
      await refuseStrangers(exchange, patient);
      return { series: [], nextPageToken: "" };
    });
    for (const { source } of page.series) {
      if (source === undefined || source.deviceId === "") continue;
      devices.set(source.deviceId, deviceResource({ patient, base }, source));
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return [...devices].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, device]) => device);
}

/** The devices that a search asks for. What has no identifier and no time of change is not found by one. */
export function measuringDevices(exchange: Exchange, { patient, asked, parameters }: SearchQuery): Source {
  return {
    async fetch(position, need) {
      if (asked.identifiers.length > 0 || asked.updated !== undefined) return nothing;
      const ids = parameters.get("_id")?.split(",");
      const devices = await devicesOf(exchange, patient);
      const named = devices.filter(({ id }) => ids === undefined || ids.includes(String(id)));
      return readySource(named.map(undated)).fetch(position, need);
    },
  };
}

/** It has no date, and so comes last. */
export function undated(resource: FhirResource): Found {
  return { ms: Number.NEGATIVE_INFINITY, endMs: Number.NEGATIVE_INFINITY, resource };
}
