export interface AuditConfig {
  /** SPIFFE trust domain of the installation; the log's origin is `<trustDomain>/log`. */
  readonly trustDomain: string;
  /** Folder of the tile cache; made if it is not there. */
  readonly directory: string;
  /**
   * Folder of what was published last, and of the log's keys: apart from the store, never in its backups. Default:
   * `directory`.
   */
  readonly publishedDirectory?: string;
  /** `<name of the log>:<published>@<stored>`: somebody has decided that the entries between these sizes are lost for good. */
  readonly acceptBreak?: string | undefined;
  /** Id of a signing key that a new one takes the place of: the middle part of its verifier key. */
  readonly rotateKey?: string | undefined;
  /** At least this long between two checkpoints, in milliseconds; default 250. */
  readonly integrateEveryMs?: number;
}

/** The log's identity in its checkpoints, and the name of its key. */
export function originOf(config: AuditConfig): string {
  return `${config.trustDomain}/log`;
}
