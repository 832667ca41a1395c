/** What a network does: slow, lossy, cut, or silent with its connections open. By toxiproxy, link by link. */
import type { Fault } from "../fault.ts";
import type { Link, Toxic } from "../links.ts";

const both = (toxic: Omit<Toxic, "stream">): Toxic[] =>
  (["upstream", "downstream"] as const).map((stream) => ({ ...toxic, stream }));

interface Kind {
  readonly name: string;
  readonly toxics: readonly Toxic[];
  readonly holdMs: number;
  readonly serves?: boolean;
}

const slow: Kind = {
  name: "300 ms slower",
  toxics: both({ type: "latency", attributes: { latency: 150, jitter: 20 } }),
  holdMs: 500,
  serves: true,
};
const narrow: Kind = {
  name: "narrow (64 KB/s)",
  toxics: both({ type: "bandwidth", attributes: { rate: 64 } }),
  holdMs: 500,
  serves: true,
};
const resetting: Kind = {
  name: "resets every connection",
  toxics: [{ type: "reset_peer", stream: "downstream", attributes: { timeout: 100 } }],
  holdMs: 2_500,
};
const breaking: Kind = {
  name: "ends after 4 KB",
  toxics: [{ type: "limit_data", stream: "downstream", attributes: { bytes: 4096 } }],
  holdMs: 2_500,
};
/** Drops everything, without an error to either side. */
const silent: Kind = {
  name: "silent (half-open)",
  toxics: both({ type: "timeout", attributes: { timeout: 0 } }),
  holdMs: 5_000,
};

/** Those that a call passes: the door, between services, and to the servers. */
const places: readonly { readonly name: string; readonly from?: string; readonly to?: string }[] = [
  { name: "the way to the door", to: "gateway" },
  { name: "the way to records", to: "records" },
  { name: "records' way to consent", from: "records", to: "consent" },
  { name: "the way to identity", to: "identity" },
  { name: "the way to audit", to: "audit" },
  { name: "the way to keys", to: "keys" },
  { name: "the way to MongoDB", to: "mongo" },
  { name: "the way to NATS", to: "nats" },
];

function poisoned(kind: Kind): readonly Fault[] {
  return places.map(({ name, ...pattern }) => ({
    name: `${name}: ${kind.name}`,
    group: "network",
    holdMs: kind.holdMs,
    ...(kind.serves && { serves: true }),
    inject: ({ links }) => links.poison(links.of(pattern), kind.toxics),
    heal: ({ links }) => links.mend(),
  }));
}

const cut: readonly Fault[] = places.map(({ name, ...pattern }) => ({
  name: `${name}: cut`,
  group: "network",
  holdMs: 2_000,
  inject: ({ links }) => links.cut(links.of(pattern)),
  heal: ({ links }) => links.mend(),
}));

/** All that one process says and hears. */
const alone: readonly Fault[] = (["records", "consent", "audit"] as const).map((service) => ({
  name: `${service} cut off from everybody`,
  group: "network",
  holdMs: 3_000,
  inject: ({ links }) => links.cut(linksOf(links.of({ from: service }), links.of({ to: service }))),
  heal: ({ links }) => links.mend(),
}));

function linksOf(...lists: readonly (readonly Link[])[]): readonly Link[] {
  return lists.flat();
}

export const slowLinks = poisoned(slow);
export const narrowLinks = poisoned(narrow);
export const resettingLinks = poisoned(resetting);
export const breakingLinks = poisoned(breaking);
export const silentLinks = poisoned(silent);
export const cutLinks = [...cut, ...alone];
