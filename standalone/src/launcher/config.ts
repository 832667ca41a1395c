import { type Env, parseConfig } from "@wellapi/runtime";
import { parseStandaloneConfig, type StandaloneConfig } from "../config.ts";

/** Settings of a mesh on this machine: those of an exchange in one process, and a few more. */
export interface MeshConfig extends StandaloneConfig {
  /** Of workload certificates, milliseconds. */
  readonly certificateMs: number;
  readonly drainMs: number;
}

/** Throws ConfigError with every problem at once. */
export function parseMeshConfig(env: Env): MeshConfig {
  const own = parseConfig(env, (reader) => ({
    certificateMs: reader.int("WELLAPI_WORKLOAD_CERT_MS", {
      fallback: 3_600_000,
      min: 2_000,
      max: 24 * 3_600_000,
    }),
    drainMs: reader.int("WELLAPI_DRAIN_MS", { fallback: 5_000, min: 0, max: 600_000 }),
  }));
  // Not the folder of an exchange in one process: neither could read what the other wrote.
  return {
    ...parseStandaloneConfig({ ...env, WELLAPI_DATA_DIR: env.WELLAPI_DATA_DIR || "./data-mesh" }),
    ...own,
  };
}
