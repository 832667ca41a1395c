import type { Route } from "@wellapi/rpc";
import {
  type ComposedService,
  type Need,
  type Platform,
  type ServiceDescriptor,
  ServiceError,
} from "@wellapi/service";
import type { HostPlatform } from "./platform.ts";
import { observeEventOutbox } from "./signals/gauges.ts";

/** The host's platform, limited for one service: under its own name, and only what its descriptor declares. */
export function platformOf(descriptor: ServiceDescriptor, host: HostPlatform): Platform {
  const { name, needs, store: declared } = descriptor;
  const { installation, clock, ids, log, closers, network, replicated, accessEnds, readOnly } = host;
  const assertDeclared = (need: Need): void => {
    if (!needs.includes(need)) throw notDeclared(name, `"${need}" under needs`);
  };
  return {
    installation,
    clock,
    ids,
    log,
    closers,
    replicated,
    accessEnds,
    readOnly,
    network: {
      unauthenticated: () => network.unauthenticated(name),
      onOwn: () => network.onOwn(name),
      onBehalf: () => network.onBehalf(name),
    },
    async openStore() {
      if (declared === undefined) throw notDeclared(name, "a store");
      return host.openStore(name, declared);
    },
    async terminology() {
      assertDeclared("terminology");
      return host.terminology();
    },
    async keys() {
      assertDeclared("keys");
      return host.keys();
    },
    async vault() {
      assertDeclared("vault");
      return host.vault();
    },
    async journal() {
      assertDeclared("journal");
      return host.journal();
    },
    async openAccessLog(store) {
      assertDeclared("access_log");
      return host.openAccessLog(name, store);
    },
    async openEvents(subjects) {
      assertDeclared("events");
      return host.openEvents(subjects);
    },
    openRelay(store, events) {
      assertDeclared("events");
      const relay = host.openRelay(store, events);
      closers.push("relay", () => relay.close());
      closers.push("signals of the outbox", observeEventOutbox(name, store, clock));
      return relay;
    },
    async enforcement() {
      assertDeclared("enforcement");
      return host.enforcement(name);
    },
    logFolders() {
      assertDeclared("log_folders");
      return host.logFolders;
    },
    async openFile(file, collections) {
      assertDeclared("key_files");
      return host.openFile(file, collections);
    },
    async openJournalFile() {
      assertDeclared("key_files");
      return host.openJournalFile();
    },
  };
}

/** Opens a service, and rejects one that serves anything that its descriptor does not declare. */
export async function composeService(
  descriptor: ServiceDescriptor,
  host: HostPlatform,
  settings: object,
): Promise<ComposedService> {
  const { name, compose } = descriptor;
  if (compose === undefined) throw new ServiceError("not_served", `${name} is opened by the host itself`);
  const composed = await descriptor.compose!(platformOf(descriptor, host), settings as never);
  assertServed(descriptor, composed.routes);
  return composed;
}

function assertServed({ name, contracts }: ServiceDescriptor, routes: readonly Route[]): void {
  const declared = contracts.map(({ typeName }) => typeName).sort();
  const served = routes.map(({ service }) => service.typeName).sort();
  if (declared.join() === served.join()) return;
  throw new ServiceError(
    "not_served",
    `${name} serves ${served.join(", ")}, but its descriptor names ${declared.join(", ")}`,
  );
}

function notDeclared(service: string, what: string): ServiceError {
  return new ServiceError(
    "not_declared",
    `${service} uses what it does not declare: name ${what} in its descriptor`,
  );
}
