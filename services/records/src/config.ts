/** How records keeps data. */
export interface RecordsConfig {
  /** The region in which this installation keeps data, and which receives it. */
  readonly region: string;
  /** How many days backups are kept; so long a backup may hold a destroyed key. Default 35. */
  readonly backupRetentionDays?: number;
  /** How many years after an erasure the patient's audit key is destroyed; default 6. */
  readonly auditRetentionYears?: number;
  /** How often the service looks for audit keys whose retention has ended, in milliseconds; default one hour. */
  readonly retireEveryMs?: number;
  /** How often the service looks for erasures that have stopped, in milliseconds; default 5,000. */
  readonly resumeEveryMs?: number;
  /**
   * How often open watches look for commits of other replicas whose signal was lost, in milliseconds. Absent where no
   * other process writes to the store: then this process's own commits wake them, and nothing is looked for.
   */
  readonly lookEveryMs?: number;
  /** How long after its arrival a block may be merged with others of its series, in milliseconds; default 30 minutes. */
  readonly compactAfterMs?: number;
  /** Fewest samples that readers of hourly and daily data are told together; default 5, at least 2. */
  readonly releaseMinimum?: number;
  /** Most that an organization may send of a patient, in MiB as sealed; default 16,384. */
  readonly storageMib?: number;
  /** Most series that an organization may have of a patient; default 10,000. */
  readonly series?: number;
  /** Most that an organization may send of all patients together, in MiB as sealed; default 1,048,576 (1 TiB). */
  readonly organizationStorageMib?: number;
  /** Most series that an organization may have of all patients together; default 10,000,000. */
  readonly organizationSeries?: number;
  /** How often those two counts are stored, in milliseconds; default 5,000. */
  readonly saveTotalsEveryMs?: number;
}
