import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "@wellapi/runtime";
import { describe, expect, test } from "vitest";
import { parseServiceConfig } from "../src/mesh/config.ts";
import { serviceNames, services } from "../src/services.ts";

const stored = { WELLAPI_MONGODB_URI: "mongodb://db", WELLAPI_MASTER_KEY: "/keys/master.key" };

/** The problems that are told. */
function problems(...call: Parameters<typeof parseServiceConfig>): string {
  try {
    parseServiceConfig(...call);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.join("\n");
    throw error;
  }
  throw new Error("nothing was wrong");
}

describe("a service's settings", () => {
  test("are safe where nothing is said", () => {
    const config = parseServiceConfig("records", stored);
    expect(config).toMatchObject({ profile: "production", port: 9443, edges: undefined });
    expect(config.workload?.certificate).toBe("/var/run/wellapi/workload/tls.crt");
  });

  test.each(["ingestion", "gateway", "keys"] as const)("%s has no master key and no database", (service) => {
    expect(parseServiceConfig(service, stored)).toMatchObject({ masterKey: "", mongodbUri: "" });
  });

  test("peers: those that are named, several for one, and the others by their usual names", () => {
    const env = { ...stored, WELLAPI_PEERS: "consent=10.0.0.1:1, consent=10.0.0.2:2,keys=[::1]:3" };
    const { peers } = parseServiceConfig("records", env);
    expect(peers.get("consent")).toEqual(["10.0.0.1:1", "10.0.0.2:2"]);
    expect(peers.get("keys")).toEqual(["[::1]:3"]);
    expect(peers.get("audit")).toEqual(["audit.wellapi.svc.cluster.local:9443"]);
  });

  test("every problem is told at once", () => {
    const told = problems("records", {
      WELLAPI_PEERS: "records",
      WELLAPI_PORT: "x",
      WELLAPI_SIDECAR: "linkerd",
    });
    for (const name of ["PEERS", "PORT", "SIDECAR", "MONGODB_URI", "MASTER_KEY"]) {
      expect(told).toContain(`WELLAPI_${name}`);
    }
  });

  test("a secret may lie in a file", () => {
    const folder = mkdtempSync(join(tmpdir(), "wellapi-config-"));
    const file = join(folder, "uri");
    writeFileSync(file, "mongodb://secret\n");
    const env = { WELLAPI_MASTER_KEY: "/k", WELLAPI_MONGODB_URI_FILE: file };
    expect(parseServiceConfig("audit", env).mongodbUri).toBe("mongodb://secret");
    rmSync(folder, { recursive: true });
    expect(problems("audit", env)).toContain("WELLAPI_MONGODB_URI_FILE");
  });

  test("behind a sidecar only the sidecar can reach the port whose callers a header names", () => {
    const env = { ...stored, WELLAPI_SIDECAR: "istio" };
    expect(parseServiceConfig("records", env)).toMatchObject({ host: "127.0.0.1", workload: undefined });
    expect(problems("records", { ...env, WELLAPI_HOST: "0.0.0.0" })).toContain("WELLAPI_HOST");
    expect(parseServiceConfig("gateway", env).host).toBe("0.0.0.0");
  });
});

test("a contract is served by the service of its area", () => {
  const serviceOf = (typeName: string) => services.serving(typeName)?.name;
  expect(serviceOf("wellapi.internal.records.v1.RecordsWriteService")).toBe("records");
  expect(serviceOf("wellapi.internal.keys.v1.KeyService")).toBe("keys");
  expect(serviceOf("wellapi.type.v1.Nothing")).toBeUndefined();
  expect(serviceOf("grpc.health.v1.Health")).toBeUndefined();
  expect(serviceNames).toContain("gateway");
});
