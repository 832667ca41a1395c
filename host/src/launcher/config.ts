import { type ConfigReader, type Env, parseConfig } from "@wellapi/runtime";
import { type ExchangeConfig, parseExchangeConfig } from "../config.ts";
import { type ServiceName, serviceNames, services } from "../services.ts";

/** Settings of a mesh on this machine: those of an exchange in one process, with a few more. */
export interface MeshConfig extends ExchangeConfig {
  /** Of workload certificates, milliseconds. */
  readonly certificateMs: number;
  /** Processes of a service; one unless named. */
  readonly replicas: ReadonlyMap<ServiceName, number>;
}

/** The edge may have replicas, too, but not on one machine: its ports are fixed. */
const replicable = serviceNames.filter((name) => {
  const { replicas, compose } = services.service(name);
  return replicas === "many" && compose !== undefined;
});
const mostReplicas = 5;

/** Throws ConfigError with every problem at once. */
export function parseMeshConfig(env: Env): MeshConfig {
  const own = parseConfig(env, (reader) => ({
    certificateMs: reader.int("WELLAPI_WORKLOAD_CERT_MS", {
      fallback: 3_600_000,
      min: 2_000,
      max: 24 * 3_600_000,
    }),
    replicas: replicasOf(reader),
  }));
  // Not the folder of an exchange in one process: the two formats differ.
  return {
    ...parseExchangeConfig({ ...env, WELLAPI_DATA_DIR: env.WELLAPI_DATA_DIR || "./data-mesh" }),
    ...own,
  };
}

/** `records=2,consent=2` */
function replicasOf(reader: ConfigReader): ReadonlyMap<ServiceName, number> {
  const replicas = new Map<ServiceName, number>();
  for (const item of reader.list("WELLAPI_REPLICAS", [])) {
    const [, name, count] = /^([a-z]+)=(\d)$/.exec(item) ?? [];
    const service = replicable.find((one) => one === name);
    if (!service || replicas.has(service) || Number(count) < 1 || Number(count) > mostReplicas) {
      reader.problem(
        `WELLAPI_REPLICAS is not valid: expected <service>=<1 to ${mostReplicas}> with commas between, each once, of ${replicable.join(", ")}`,
      );
      break;
    }
    replicas.set(service, Number(count));
  }
  return replicas;
}
