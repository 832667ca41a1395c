/** A whole mesh on this machine: istiod, a proxy and a service in each pod, an edge, and the servers of data. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { setDefaultCACertificates } from "node:tls";
import { holdsMasterKey } from "../../host/src/mesh/config.ts";
import { services } from "../../host/src/services.ts";
import { usersOf } from "../../scripts/manifests/derived.ts";
import { apiHost, meshPods, podOf, servicePods, stranger } from "./addresses.ts";
import { createAuthority } from "./authority.ts";
import { type Round, startCallers } from "./callers.ts";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import { startDataServers } from "./data-servers.ts";
import { openHub } from "./network.ts";
import { until } from "./patience.ts";
import { serviceLog, startProxy, startService, untilServing } from "./pods.ts";
import type { World } from "./world.ts";

export interface Laboratory {
  readonly world: World;
  readonly plane: ControlPlane;
  /** The first operator's key, which identity said once. */
  readonly operatorKey: string;
  openRound(): Round;
}

/** Those that are given keys to data, by the overlay: the others' pods have no such volume. */
const holders = new Set(services.services.filter(holdsMasterKey).map(({ name }) => name));

/** Resolves once every service serves and the edge answers. */
export async function openLaboratory(world: World, say: (text: string) => void): Promise<Laboratory> {
  openHub(world.folder);
  // Trusted by everybody outside, as a public one would be, and by istiod.
  const publicAuthority = await createAuthority("public authority");
  setDefaultCACertificates([publicAuthority.certificate]);
  const edgeTls = await publicAuthority.issue({ name: apiHost, hosts: [apiHost] });
  const plane = await startControlPlane(world, { edgeTls, edgeRoot: publicAuthority.certificate });
  const [data] = await Promise.all([
    startDataServers(world),
    ...meshPods.map((pod) => startProxy(world, plane, pod)),
  ]);
  say("istiod and the proxies are up");

  const masterKey = randomBytes(32);
  for (const pod of servicePods) {
    startService(
      world,
      pod,
      new Map<string, string | Uint8Array>([
        ...(holders.has(pod.name) ? [["/var/run/wellapi/keys/master.key", masterKey] as const] : []),
        ...(holders.has(pod.name) ? data.mongodbSecret : []),
        ...(data.natsSecrets.get(pod.name) ?? []),
        // There is none here: what needs mail is refused.
        ...(pod.name === "identity"
          ? [["/var/run/wellapi/smtp/url", "smtps://smtp.wellapi.example"] as const]
          : []),
        ...(usersOf("budgets").some((name) => name === pod.name) ? data.valkeySecret : []),
      ]),
    );
  }
  await Promise.all(servicePods.map(untilServing));
  say("the services serve");
  await verifyTokens(world, plane);
  return {
    world,
    plane,
    operatorKey: operatorKeyIn(readFileSync(serviceLog(world, podOf("identity")), "utf8")),
    openRound: startCallers(world, [...servicePods, stranger]),
  };
}

/**
 * istiod fetches the tokens' keys over the edge as it first sees who verifies tokens. What it could not fetch it asks for
 * again only when something else changes: so it is told last, once the edge is there to answer.
 */
async function verifyTokens(world: World, plane: ControlPlane): Promise<void> {
  const keys = `https://${apiHost}/.well-known/jwks.json`;
  await until("the edge answers", 30_000, async () => (await fetch(keys)).ok);
  plane.apply(world.manifests);
}

function operatorKeyIn(log: string): string {
  const key = /"operatorKey":"(?<key>[^"]+)"/.exec(log)?.groups?.key;
  if (!key) throw new Error("identity did not say the operator's key");
  return key;
}
