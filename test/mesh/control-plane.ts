/** istiod, and what it stands on: an authority, a token issuer as Kubernetes has one, the manifests under test. */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { exportJWK, SignJWT } from "jose";
import { stringify } from "yaml";
import type { Manifest } from "../../scripts/manifests/derived.ts";
import { isIstio } from "./adaptations.ts";
import { istiodAddress, type MeshPod } from "./addresses.ts";
import { type Authority, createAuthority, type Pair } from "./authority.ts";
import { clusterObjects } from "./cluster.ts";
import { until } from "./patience.ts";
import { start } from "./programs.ts";
import { seen, type World } from "./world.ts";

/** As `meshConfig.trustDomain` would say it; the services have it from the overlay's ConfigMap. */
export const trustDomain = "wellapi.example";
const issuer = "https://kubernetes.default.svc.cluster.local";
const audience = "istio-ca";

export interface ControlPlane {
  /** Signs what vouches for workloads: istiod's own, and what the laboratory forges. */
  readonly authority: Authority;
  /** PEM. */
  readonly root: string;
  readonly meshConfig: string;
  /** The token that Kubernetes would mount into the pod for istiod. */
  tokenOf(pod: MeshPod): Promise<string>;
  /** As `kubectl apply` would: replaces all of Istio's objects at once. */
  apply(manifests: readonly Manifest[]): void;
}

export async function startControlPlane(
  world: World,
  options: { readonly edgeTls: Pair /** Vouches for the edge, PEM. */; readonly edgeRoot: string },
): Promise<ControlPlane> {
  const { folder, installed, manifests } = world;
  const home = `${folder}/istiod`;
  const config = `${home}/config`;
  mkdirSync(`${home}/etc/cacerts`, { recursive: true });
  mkdirSync(config);

  const root = await createAuthority("root of the mesh");
  const authority = await root.intermediate("istiod");
  writeFileSync(`${home}/etc/cacerts/root-cert.pem`, root.certificate);
  writeFileSync(`${home}/etc/cacerts/ca-cert.pem`, authority.certificate);
  writeFileSync(`${home}/etc/cacerts/ca-key.pem`, authority.privateKey);
  writeFileSync(`${home}/etc/cacerts/cert-chain.pem`, `${authority.certificate}\n${root.certificate}`);

  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = { ...(await exportJWK(publicKey)), kid: "cluster", alg: "RS256", use: "sig" };
  writeFileSync(`${home}/jwks.json`, JSON.stringify({ keys: [key] }));
  writeFileSync(`${home}/edge-root.pem`, options.edgeRoot);
  writeFileSync(`${home}/objects.yaml`, textOf(clusterObjects(manifests, options.edgeTls)));
  const meshConfig = `${home}/mesh.yaml`;
  writeFileSync(meshConfig, textOf([meshConfigOf(world, config)]));

  const apply = (objects: readonly Manifest[]): void => {
    // At once: istiod looks whenever the folder changes.
    writeFileSync(`${home}/next.yaml`, textOf(objects.filter(isIstio)));
    renameSync(`${home}/next.yaml`, `${config}/rendered.yaml`);
  };
  // The laboratory says the rest once the edge is up.
  apply(manifests.filter(({ kind }) => kind !== "RequestAuthentication"));

  start("istiod", {
    command: installed.istiod,
    args: [meshConfig, `${home}/objects.yaml`, `${home}/jwks.json`],
    cwd: home,
    log: `${folder}/logs/istiod.log`,
    env: {
      HOME: home,
      POD_NAME: "istiod",
      POD_NAMESPACE: "istio-system",
      JWT_RULE: JSON.stringify({
        issuer,
        jwks_uri: "http://127.0.0.1:18000/jwks",
        audiences: [audience],
      }),
      // For the keys of patients' tokens, which it fetches over the edge.
      SSL_CERT_FILE: `${home}/edge-root.pem`,
      // Filters that Envoy has in Istio's own build only.
      PILOT_ENABLE_METADATA_EXCHANGE: "false",
      PILOT_ENABLE_ALPN_FILTER: "false",
      // What needs a cluster.
      PILOT_ENABLE_GATEWAY_API: "false",
      PILOT_ENABLE_IP_AUTOALLOCATE: "false",
      ENABLE_LEADER_ELECTION: "false",
      VALIDATION_WEBHOOK_CONFIG_NAME: "",
      INJECTION_WEBHOOK_CONFIG_NAME: "",
    },
  });
  await until("istiod is ready", 30_000, async () => (await fetch("http://127.0.0.1:8080/ready")).ok);
  return { authority, root: root.certificate, meshConfig, tokenOf: (pod) => tokenOf(pod, privateKey), apply };
}

function meshConfigOf({ installed }: World, config: string): Manifest {
  return {
    configSources: [{ address: `fs://${config}` }],
    rootNamespace: "istio-system",
    trustDomain,
    accessLogFile: "/dev/stdout",
    enablePrometheusMerge: false,
    enableTracing: false,
    ingressControllerMode: "OFF",
    defaultConfig: {
      discoveryAddress: istiodAddress,
      concurrency: 1,
      binaryPath: seen(installed.envoy),
      proxyBootstrapTemplatePath: seen(installed.bootstrap),
      controlPlaneAuthPolicy: "MUTUAL_TLS",
    },
  };
}

function tokenOf({ name, namespace }: MeshPod, key: KeyObject): Promise<string> {
  return new SignJWT()
    .setProtectedHeader({ alg: "RS256", kid: "cluster" })
    .setIssuer(issuer)
    .setAudience([audience])
    .setSubject(`system:serviceaccount:${namespace}:${name}`)
    .setIssuedAt()
    .setExpirationTime("1h")
    .sign(key);
}

/** In the older YAML that Go programs read, where a bare OFF is no string. */
function textOf(objects: readonly Manifest[]): string {
  const options = { version: "1.1", aliasDuplicateObjects: false } as const;
  return objects.map((object) => stringify(object, options)).join("---\n");
}
