import { createHash } from "node:crypto";

/** What makes samples one series to their reader: all of it is the reader's own already. */
export interface SeriesIdentity {
  readonly series?:
    | { readonly code?: { readonly system: string; readonly code: string } | undefined }
    | undefined;
  readonly source?:
    | {
        readonly organization: string;
        readonly deviceId: string;
        readonly method: number;
        readonly granularity: number;
      }
    | undefined;
}

const letters = "0123456789abcdefghjkmnpqrstvwxyz";
const hashLetters = 16;

/**
 * `ser_<16 letters>_<time in base 36>`: names an Observation by its series and its first sample. The letters are a hash, because a code may be
 * longer than FHIR's ids; 80 bits of it keep the series of one patient apart.
 *
 * @param ms Unix time of the first sample
 */
export function seriesRecordOf(patient: string, { series, source }: SeriesIdentity, ms: number): string {
  const { organization = "", deviceId = "", method = 0, granularity = 0 } = source ?? {};
  const { system = "", code = "" } = series?.code ?? {};
  const text = JSON.stringify([patient, system, code, organization, deviceId, method, granularity]);
  const hash = createHash("sha256").update(text).digest();
  const name = Array.from(hash.subarray(0, hashLetters), (byte) => letters[byte % 32]).join("");
  return `ser_${name}_${ms.toString(36).replace("-", "N")}`;
}

/** When the Observation of such an id begins; undefined for another id. */
export function startOfSeriesRecord(record: string): number | undefined {
  const [, time] = /^ser_[0-9a-z]{16}_(N?[0-9a-z]{1,10})$/.exec(record) ?? [];
  if (time === undefined) return undefined;
  const ms = Number.parseInt(time.replace("N", "-"), 36);
  return Number.isSafeInteger(ms) ? ms : undefined;
}
