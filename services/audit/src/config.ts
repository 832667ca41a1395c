export interface AuditConfig {
  /** SPIFFE trust domain of the installation; the log's origin is `<trustDomain>/log`. */
  readonly trustDomain: string;
  /** Folder of the published checkpoint and of the tile cache; made if it is not there. */
  readonly directory: string;
  /** At least this long between two checkpoints, in milliseconds; default 250. */
  readonly integrateEveryMs?: number;
}

/** The log's identity in its checkpoints, and the name of its key. */
export function originOf(config: AuditConfig): string {
  return `${config.trustDomain}/log`;
}
