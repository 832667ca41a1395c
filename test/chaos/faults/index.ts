import type { Fault } from "../fault.ts";
import { expiredCertificates } from "./certificates.ts";
import { movedClocks } from "./clock.ts";
import { fullDisks } from "./disk.ts";
import { forgottenConnections } from "./forgotten.ts";
import { breakingLinks, cutLinks, narrowLinks, resettingLinks, silentLinks, slowLinks } from "./network.ts";
import { killedServers, pausedServers, startsWithoutServers } from "./servers.ts";
import { killedServices, pausedServices } from "./services.ts";

/** What this machine can do: without it, its faults are left out, which whoever runs them has to say. */
export interface Means {
  /** libfaketime's library. */
  readonly faketime: string | undefined;
  /** Disks of their own, which only root may mount. */
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

/** Some of each group, in the time that `make test` has. */
const quick: readonly RegExp[] = [
  /^(keys|ingestion|gateway|consent) killed$/,
  /^consent paused$/,
  /^the way to MongoDB: (silent|cut)/,
  /^(records' way to consent|the way to records): silent/,
  /^records cut off/,
  /^(records' way to consent|the way to records): cut/,
  /^connections of records to mongo forgotten/,
  /^disk of (the services|MongoDB)/,
  /^clock of records ahead/,
  /^certificate of records expired$/,
];

export function quickFaults(means: Means): readonly Fault[] {
  return allFaults(means).filter(({ name }) => quick.some((pick) => pick.test(name)));
}
