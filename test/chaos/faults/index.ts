import type { Fault } from "../fault.ts";
import { expiredCertificates } from "./certificates.ts";
import { movedClocks } from "./clock.ts";
import { fullDisks } from "./disk.ts";
import { forgottenConnections } from "./forgotten.ts";
import { breakingLinks, cutLinks, narrowLinks, resettingLinks, silentLinks, slowLinks } from "./network.ts";
import { killedServers, pausedServers, startsWithoutServers } from "./servers.ts";
import { killedServices, pausedServices } from "./services.ts";

/** Abilities of this machine. Faults that need a missing one are left out, and the runner has to report that. */
export interface Means {
  /** libfaketime's library. */
  readonly faketime: string | undefined;
  /** Separate disks, which only root may mount. */
  readonly disks: boolean;
}

export function allFaults({ faketime, disks }: Means): readonly Fault[] {
  return [
    ...killedServices,
    ...pausedServices,
    ...killedServers,
    ...pausedServers,
    ...startsWithoutServers,
    ...slowLinks,
    ...narrowLinks,
    ...resettingLinks,
    ...breakingLinks,
    ...silentLinks,
    ...cutLinks,
    ...forgottenConnections,
    ...(disks ? fullDisks : []),
    ...(faketime === undefined ? [] : movedClocks(faketime)),
    ...expiredCertificates,
  ];
}

/**
 * In the time that `make test` has: each process and server that holds something of others is killed or paused, and some of each other
 * group happen. What becomes of records, of consent, of the way between them and of their clocks is judged more exactly by test/sessions,
 * so nothing of that is here. `make chaos` has them all.
 */
const quick: readonly RegExp[] = [
  /^(keys|audit|identity|ingestion|gateway|MongoDB|NATS) killed$/,
  /^(audit|identity|gateway|MongoDB|NATS) paused$/,
  /^the way to audit: 300 ms slower$/,
  /^the way to keys: narrow/,
  /^the way to identity: resets/,
  /^the way to NATS: ends/,
  /^the way to (records|MongoDB): silent/,
  /^the way to (the door|MongoDB): cut$/,
  /^records cut off/,
  /^connections of records to mongo forgotten$/,
  /^disk of/,
  /^certificate of (records expired|ingestion expired, connections cut)$/,
];

export function quickFaults(means: Means): readonly Fault[] {
  return allFaults(means).filter(({ name }) => quick.some((pick) => pick.test(name)));
}
