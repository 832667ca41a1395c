export interface AuditConfig {
  /** SPIFFE trust domain of the installation; the log's origin is `<trustDomain>/log`. */
  readonly trustDomain: string;
  /** Folder of the tile cache; created if it is missing. */
  readonly directory: string;
  /**
   * Folder of the last published checkpoint, and of the log's keys: apart from the store, never in its backups.
   * Default: `directory`.
   */
  readonly publishedDirectory?: string;
  /**
   * `<name of the log>:<published>@<stored>`: an operator has decided that the entries between these sizes are lost
   * for good.
   */
  readonly acceptBreak?: string | undefined;
  /** Id of the signing key that a new one replaces: the middle part of its verifier key. */
  readonly rotateKey?: string | undefined;
  /** A log of up to so many entries is compared with its tree before the service serves; default 4,096. */
  readonly checkedAtStart?: number;
  /** At least this long between two checkpoints, in milliseconds; default 250. */
  readonly integrateEveryMs?: number;
}

/** The log's identity in its checkpoints, and the name of its key. */
export function originOf(config: AuditConfig): string {
  return `${config.trustDomain}/log`;
}
