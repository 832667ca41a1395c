import type { TimeZonePeriod } from "./time-zone.ts";

/** The identifying data of a patient; sealed with the patient's key. */
export interface Profile {
  readonly displayName: string;
  /** Oldest first. */
  readonly timeZones: readonly TimeZonePeriod[];
}

/** A person whose data the exchange holds. Times are UTC milliseconds. */
export interface Patient {
  /** Internal `pat_...`; never leaves the installation. */
  readonly id: string;
  /** `<home region>/<id>` */
  readonly partition: string;
  readonly homeRegion: string;
  readonly createTime: number;
  readonly updateTime: number;
  /** Names this version (AIP-154). */
  readonly etag: string;
  readonly eraseTime?: number;
  /** The organization of a sandbox whose test patient it is. Absent: nobody's, and once erased. */
  readonly testOf?: string;
  /** Absent once the patient's key is gone. */
  readonly profile?: Profile;
}

export function partitionOf(region: string, id: string): string {
  return `${region}/${id}`;
}

/** The internal id in a partition, or undefined where the text is no patient's partition. */
export function patientIdOf(partition: string): string | undefined {
  return /^[a-z0-9-]+\/(pat_[0-9a-z]{26})$/.exec(partition)?.[1];
}
