/** Connections that end silently: both sides believe that they are open, and new ones would work. */
import type { Fault } from "../fault.ts";
import type { Link } from "../links.ts";

export const forgettable = [
  "gateway>records",
  "gateway>identity",
  "ingestion>records",
  "records>consent",
  "records>audit",
  "records>keys",
  "records>mongo",
  "records>nats",
] as const satisfies readonly Link[];

/** Nothing heals it but those who notice: recovery counts from the moment at which it happened. */
export const forgottenConnections: readonly Fault[] = forgettable.map((link) => ({
  name: `connections of ${link.replace(">", " to ")} forgotten`,
  group: "network",
  holdMs: 0,
  inject: () => {},
  heal: ({ relays }) => relays.get(link)!.forget(),
}));
