/**
 * Mistakes in the manifests, applied to the running mesh one after another. Each names the rows that must notice it:
 * those, and no others, or the rows prove less than they seem to.
 */
import type { Manifest } from "../../scripts/manifests/derived.ts";
import type { Policy } from "../../scripts/manifests/kinds.ts";
import type { Row } from "./rows.ts";

export interface Mutation {
  readonly name: string;
  /** Changes a copy. */
  change(manifests: Manifest[]): void;
  /** Rows about what it changes: each of them is asked, and of all others a share. */
  touches(row: Row): boolean;
  /** Whether the row must no longer hold. One that is touched, too. */
  notices(row: Row): boolean;
  /** Rows that notice it or not, by what a service has in memory just then: not asked. */
  undecided?(row: Row): boolean;
}

type Rules = NonNullable<Policy["spec"]["rules"]>;
type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Rows by the names that matrix.ts gives them. */
const named =
  (pattern: RegExp) =>
  ({ name }: Row): boolean =>
    pattern.test(name);
const inGroups =
  (...groups: readonly string[]) =>
  ({ group }: Row): boolean =>
    groups.includes(group);

/** Rows that say what the port for clients with certificates answers. */
const reachesCertifiedPort = ({ group, name, expected }: Row): boolean =>
  group === "clients with certificates" && expected !== "no connection" && !name.endsWith("at the HTTP edge");

export const mutations: readonly Mutation[] = [
  {
    name: "STRICT becomes PERMISSIVE",
    touches: inGroups("who a caller is", "the gateway's ports", "the surfaces' ports"),
    change: (m) => {
      spec<{ mtls: { mode: string } }>(m, "PeerAuthentication", "default", "wellapi").mtls.mode =
        "PERMISSIVE";
    },
    notices: named(/^plain text → (?!the gateway's port 744[34]$)/), // which no plain HTTP gets through
  },
  {
    name: "ingestion may call any path of records",
    touches: named(/ [→⇒] \/wellapi\.(internal\.)?records\./),
    change: (m) => {
      operation(ruleOf(m, "records", "ingestion")).paths = ["*"];
    },
    notices: (row) =>
      named(/^ingestion [→⇒] \/wellapi\.(internal\.)?records\./)(row) && row.expected === "denied",
  },
  {
    name: "anybody may do what records may at consent",
    touches: named(/ [→⇒] \/wellapi\.(internal\.)?consent\./),
    change: (m) => {
      source(ruleOf(m, "consent", "records")).principals = ["*"];
    },
    // GetStanding is identity's alone, by a rule of its own.
    notices: (row) =>
      named(/ [→⇒] \/wellapi\.(internal\.)?consent\.v1\.ConsentDecisionService\/(?!GetStanding$)/)(row) &&
      row.expected === "denied",
  },
  {
    name: "identity may GET, not POST, at keys",
    touches: named(/ [→⇒] \/wellapi\.(internal\.)?keys\./),
    change: (m) => {
      operation(ruleOf(m, "keys", "identity")).methods = ["GET"];
    },
    // DestroyKey is denied to it anyway.
    notices: (row) =>
      named(/^identity [→⇒] \/wellapi\.(internal\.)?keys\./)(row) && row.expected === "answered",
    // Identity keeps a person's key for a while, and then asks for it, which is denied now.
    undecided: ({ group, expected }) =>
      ["a surface from outside", "tokens at the edge"].includes(group) && expected === "200",
  },
  {
    name: "nothing is refused by default",
    touches: named(/ → the stranger$/),
    change: (m) => drop(m, "AuthorizationPolicy", "deny-by-default", "wellapi"),
    notices: named(/ → the stranger$/),
  },
  {
    name: "anybody may call the gateway",
    touches: inGroups("the gateway's ports"),
    change: (m) => {
      for (const rule of spec<{ rules: Rules }>(m, "AuthorizationPolicy", "gateway", "wellapi").rules) {
        source(rule).principals = ["*"];
      }
    },
    notices: (row) =>
      row.group === "the gateway's ports" && !row.name.startsWith("edge") && !row.name.startsWith("plain"),
  },
  {
    name: "anybody may ask identity's surfaces",
    touches: inGroups("the surfaces' ports"),
    change: (m) => {
      const { rules } = spec<{ rules: Rules }>(m, "AuthorizationPolicy", "identity", "wellapi");
      source(rules.at(-1)!).principals = ["*"];
    },
    // The service itself refuses them then, which these rows tell from the mesh's refusal.
    notices: ({ group, name }) => group === "the surfaces' ports" && !/^(gateway|plain text) → /.test(name),
  },
  {
    name: "the gateway may not ask for the laboratory's surface",
    touches: inGroups("a surface from outside", "the surfaces' ports"),
    change: (m) => {
      const { rules } = spec<{ rules: { to: object[] }[] }>(m, "AuthorizationPolicy", "identity", "wellapi");
      rules.at(-1)!.to.pop();
    },
    notices: ({ group, name, expected }) =>
      group === "a surface from outside" && !/Jwt/.test(expected) && !name.endsWith("by POST"),
  },
  {
    name: "consent's sidecar knows every service",
    touches: named(/^consent ⇒ /),
    change: (m) => {
      const { egress } = spec<{ egress: { hosts: string[] }[] }>(m, "Sidecar", "consent", "wellapi");
      egress[0]!.hosts = ["./*"];
    },
    // What it may not call refuses it then, as others; Valkey takes it for a client. To NATS it may publish.
    notices: (row) =>
      row.name.startsWith("consent ⇒ ") && (row.expected === "not routed" || / valkey$/.test(row.name)),
  },
  {
    name: "the gateway's sidecar lets everything out",
    touches: named(/^gateway ⇒ /),
    change: (m) => {
      spec<{ outboundTrafficPolicy: { mode: string } }>(
        m,
        "Sidecar",
        "gateway",
        "wellapi",
      ).outboundTrafficPolicy.mode = "ALLOW_ANY";
    },
    notices: ({ name, expected }) =>
      name.startsWith("gateway ⇒ ") && ["not routed", "no connection"].includes(expected),
  },
  {
    name: "tokens are not verified at the edge",
    touches: inGroups("tokens at the edge", "a surface from outside"),
    change: (m) => drop(m, "RequestAuthentication", "gateway", "wellapi"),
    notices: (row) =>
      inGroups("tokens at the edge", "a surface from outside")(row) && /Jwt|Jwks/.test(row.expected),
  },
  {
    name: "tokens for other services pass at the edge",
    touches: inGroups("tokens at the edge"),
    change: (m) => {
      const { jwtRules } = spec<{ jwtRules: { audiences: string[] }[] }>(
        m,
        "RequestAuthentication",
        "gateway",
        "wellapi",
      );
      jwtRules[0]!.audiences.push("wellapi");
    },
    notices: named(/^a token for another audience$/),
  },
  {
    name: "the edge passes on its own header",
    touches: inGroups("tokens at the edge"),
    change: (m) => {
      const { http } = spec<{ http: { name: string; headers?: object }[] }>(
        m,
        "VirtualService",
        "edge-http",
        "wellapi-edge",
      );
      delete http.find(({ name }) => name === "without-token")!.headers;
    },
    notices: named(/^a bad token in the edge's own header, beside an API key$/),
  },
  {
    name: "the edge takes TLS 1.2",
    touches: inGroups("routes at the edge"),
    change: (m) => {
      const { servers } = spec<{ servers: { tls: Record<string, string> }[] }>(
        m,
        "Gateway",
        "edge",
        "wellapi-edge",
      );
      servers[1]!.tls.minProtocolVersion = "TLSV1_2";
    },
    notices: (row) => inGroups("routes at the edge")(row) && row.name === "TLS 1.2",
  },
  {
    name: "the edge opens the providers' TLS",
    touches: inGroups("the providers' door"),
    change: (m) => {
      const { servers } = spec<{ servers: { tls: Record<string, string> }[] }>(
        m,
        "Gateway",
        "edge",
        "wellapi-edge",
      );
      servers[0]!.tls = { mode: "SIMPLE", credentialName: "edge-tls" };
    },
    notices: (row) => row.group === "the providers' door" && row.expected !== "no connection",
  },
  {
    name: "the edge opens the TLS of clients with certificates",
    touches: inGroups("clients with certificates"),
    change: (m) => {
      const { servers } = spec<{ servers: { tls: Record<string, string> }[] }>(
        m,
        "Gateway",
        "edge",
        "wellapi-edge",
      );
      servers[2]!.tls = { mode: "SIMPLE", credentialName: "edge-tls" };
    },
    notices: reachesCertifiedPort,
  },
  {
    name: "the edge may not call the port for clients with certificates",
    touches: inGroups("clients with certificates", "the gateway's ports"),
    change: (m) => {
      const { rules } = spec<{ rules: Rules }>(m, "AuthorizationPolicy", "gateway", "wellapi");
      operation(rules[0]!).ports = ["7443"];
    },
    notices: (row) =>
      reachesCertifiedPort(row) || row.name === "edge → HTTP for clients with certificates, inside the mesh",
  },
  {
    name: "sidecars call in plain text",
    touches: inGroups("through sidecars", "the providers' door", "clients with certificates"),
    change: (m) => {
      spec<{ trafficPolicy: { tls: { mode: string } } }>(
        m,
        "DestinationRule",
        "services",
        "wellapi",
      ).trafficPolicy.tls.mode = "DISABLE";
    },
    // STRICT refuses it, so that nothing is called any more through any sidecar, nor by the edge.
    notices: (row) =>
      (row.group === "through sidecars" && !["not routed", "no connection"].includes(row.expected)) ||
      (["the providers' door", "clients with certificates"].includes(row.group) &&
        row.expected !== "no connection"),
  },
];

function spec<S>(manifests: readonly Manifest[], kind: string, name: string, namespace: string): S {
  const found = manifests.find((manifest) => is(manifest, kind, name, namespace));
  if (!found) throw new Error(`there is no ${kind} ${namespace}/${name} to change`);
  return found.spec as S;
}

function drop(manifests: Manifest[], kind: string, name: string, namespace: string): void {
  const at = manifests.findIndex((manifest) => is(manifest, kind, name, namespace));
  if (at < 0) throw new Error(`there is no ${kind} ${namespace}/${name} to leave out`);
  manifests.splice(at, 1);
}

function is(manifest: Manifest, kind: string, name: string, namespace: string): boolean {
  const metadata = manifest.metadata as { name: string; namespace?: string };
  return manifest.kind === kind && metadata.name === name && metadata.namespace === namespace;
}

/** What the service's policy lets the caller do. */
function ruleOf(manifests: readonly Manifest[], service: string, caller: string): Rules[number] {
  const { rules } = spec<{ rules: Rules }>(manifests, "AuthorizationPolicy", service, "wellapi");
  return rules.find((rule) => source(rule).principals?.[0]?.endsWith(`/sa/${caller}`))!;
}

function source(rule: Rules[number]): Writable<Record<string, readonly string[]>> {
  return rule.from![0]!.source as Record<string, readonly string[]>;
}

function operation(rule: Rules[number]): Writable<Record<string, readonly string[]>> {
  return rule.to![0]!.operation as Record<string, readonly string[]>;
}
