import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { PatientDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_directory_service_pb";
import { type Clock, createBoundedCache } from "@wellapi/runtime";
import type { ZonePeriod } from "../model/calendar.ts";

/** Identity's record of a patient. */
export interface KnownPatient {
  /** Oldest first, at least one. */
  readonly zones: readonly ZonePeriod[];
  readonly erased: boolean;
}

/** Identity's directory of patients. */
export interface Directory {
  /** Undefined for an unknown patient. Throws ConnectError where identity cannot answer. */
  find(partition: string): Promise<KnownPatient | undefined>;
  /** As `find`, at most `CACHE_MS` old, for calendars. */
  recall(partition: string): Promise<KnownPatient | undefined>;
  /** A patient whom identity does not know has nothing to erase there. */
  markErased(partition: string): Promise<void>;
}

/** Zones change when a patient moves: half a minute is soon enough. */
const CACHE_MS = 30_000;
const CACHE_SIZE = 1_000;

export function createDirectory(identity: Transport, clock: Clock): Directory {
  const client = createClient(PatientDirectoryService, identity);
  const cache = createBoundedCache<{ readonly until: number; readonly patient: KnownPatient }>({
    name: "patients",
    capacity: CACHE_SIZE,
  });

  async function find(partition: string): Promise<KnownPatient | undefined> {
    try {
      const { timeZones, eraseTime } = await client.resolvePatient({ partition });
      return {
        // The first zone applies to all earlier time, also where it was given a start.
        zones: timeZones.map(({ startTime, timeZone }, i) => ({
          from: i === 0 || startTime === undefined ? Number.NEGATIVE_INFINITY : timestampMs(startTime),
          zone: timeZone,
        })),
        erased: eraseTime !== undefined,
      };
    } catch (error) {
      if (error instanceof ConnectError && error.code === Code.NotFound) return undefined;
      throw error;
    }
  }

  return {
    find,
    async recall(partition) {
      const cached = cache.get(partition);
      if (cached !== undefined && clock.monotonic() < cached.until) return cached.patient;
      const patient = await find(partition);
      cache.delete(partition);
      if (patient !== undefined) cache.set(partition, { until: clock.monotonic() + CACHE_MS, patient });
      return patient;
    },
    async markErased(partition) {
      cache.delete(partition);
      try {
        await client.markErased({ partition });
      } catch (error) {
        if (!(error instanceof ConnectError && error.code === Code.NotFound)) throw error;
      }
    },
  };
}
