/** A workload's certificate that ran out because nobody renewed it in time, under open streams. */
import { setTimeout as delay } from "node:timers/promises";
import { serviceNames } from "@wellapi/host";
import type { Fault } from "../fault.ts";
import type { World } from "../world.ts";

/** Long enough to be taken into use, and for new connections to be made with it. */
const lifetimeMs = 1_500;
const expiredMs = 2_500;

async function expire({ mesh }: World, member: string): Promise<void> {
  await mesh.renew(member, lifetimeMs);
  await delay(expiredMs);
}

/** Streams that are open go on, so writes and reads do. */
const expired: readonly Fault[] = serviceNames.map((member) => ({
  name: `certificate of ${member} expired`,
  group: "certificates",
  holdMs: 500,
  inject: (world) => expire(world, member),
  heal: ({ mesh }) => mesh.renew(member),
}));

/** Then every connection of the member is cut, and no new one can be made until it is renewed. */
const expiredAndCut: readonly Fault[] = expired.map((fault, i) => ({
  ...fault,
  name: `${fault.name}, connections cut`,
  async inject(world) {
    const { links } = world;
    const member = serviceNames[i]!;
    await expire(world, member);
    await links.cut([...links.of({ from: member }), ...links.of({ to: member })]);
    await links.mend();
  },
}));

export const expiredCertificates = [...expired, ...expiredAndCut];
