import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { LeafSealer } from "@wellapi/access-log";
import type { Surface } from "@wellapi/http";
import type { Route } from "@wellapi/rpc";
import type { CollectionDeclaration, Store, StoreCheck } from "@wellapi/store";
import type { Kms, OpenVault } from "@wellapi/vault";
import type { LogFolders, Platform } from "./platform.ts";
import type { Settings, ValuesOf } from "./settings.ts";

/**
 * What a service asks of its platform. `keys`: what is derived from the master key. `vault`: patients' keys. `journal`: what
 * a restore must not undo. `access_log`: an entry for each access. `events`: durable events. `terminology`: codes and
 * categories. `enforcement`: a session with consent. `log_folders`: the files of the log. `key_files`: the files of the
 * wrapped keys and of the journal.
 */
export type Need =
  | "keys"
  | "vault"
  | "journal"
  | "access_log"
  | "events"
  | "terminology"
  | "enforcement"
  | "log_folders"
  | "key_files";

/** What the check of a service's store may use; nothing else is open. */
export interface CheckContext {
  /** Reads only. */
  readonly store: Store;
  readonly kms: Kms;
  readonly vault: OpenVault;
  /** Opens the leaves of this service's outbox. */
  readonly sealer: LeafSealer;
  readonly trustDomain: string;
  readonly logFolders: LogFolders;
}

/** The service's own store: one database, or one file, of its name. */
export interface StoreDescriptor {
  readonly collections: readonly CollectionDeclaration[];
  /** How `wellapi check` looks at its documents. */
  check(context: CheckContext): Promise<StoreCheck>;
  /** Has reserved room on the disk, so that it can still write a little on a full disk. */
  readonly survivesFullDisk?: boolean;
  /** No call that carries data waits for its commits: where all services are one process, its file is written in a thread with others. */
  readonly sharesThread?: boolean;
}

/** What one process of it asks of a machine in production, as Kubernetes writes quantities. Only manifests use it. */
export interface Sizing {
  /** `250m` unless given. */
  readonly cpu?: string;
  /** Asked for, `256Mi` unless given; and the most that it may take, `1Gi` unless given. */
  readonly memory?: string;
  readonly memoryLimit?: string;
  /** Of the volume, where it keeps files; `1Gi` unless given. */
  readonly storage?: string;
  /** Fewest replicas, where it may have several; 2 unless given. */
  readonly replicas?: number;
}

/** A running service, as its host sees it. Its closers are pushed already. */
export interface ComposedService {
  /** Exactly the contracts of the descriptor. */
  readonly routes: readonly Route[];
  /**
   * Called once, when the services that it calls and the exchange's address are there. Resolves once the service can do its work;
   * rejects where the signal ends the wait. At once unless given.
   */
  ready?(signal?: AbortSignal): Promise<void>;
  /** An operator's API key that this start made, to be shown once. */
  readonly firstOperatorKey?: string | undefined;
  /** A link by which the first operator gets an account of the staff, to be shown once; known when calls are accepted. */
  readonly firstOperatorLink?: (() => string) | undefined;
}

/** All that the host, the launcher, the manifests and the tests have to know of a service. */
export interface ServiceDescriptor<Name extends string = string, S extends Settings = Settings> {
  /** Name of its folder, its workload, its process and its store: lower-case letters. */
  readonly name: Name;
  /** Public and internal ones. A package of contracts belongs to one service. */
  readonly contracts: readonly DescService[];
  readonly store?: StoreDescriptor;
  readonly needs: readonly Need[];
  /** Needs of other services that this one's contracts answer in a mesh: services with such a need call this one. */
  readonly provides?: readonly Need[];
  /**
   * Services that it calls to do its work, besides those that provide what it needs. It starts after them and stops before
   * them; a circle is refused. Every service calls identity for tokens, which decides no order.
   */
  readonly calls: readonly string[];
  /**
   * Other services that its surfaces call, for callers from outside: their contracts name it under `surfaces`. Nobody calls before
   * all have started, so it decides no order, and may close a circle.
   */
  readonly surfaceCalls?: readonly string[];
  /**
   * Services that it calls only while it serves, which therefore decide no order: so two services may ask each other. Until
   * such a service is open, and after it has closed, a call of it is UNAVAILABLE.
   */
  readonly asks?: readonly string[];
  /** Subjects of the events that it consumes, where it has the need `events`. */
  readonly consumes?: readonly string[];
  /** Whether several processes may serve it at once. */
  readonly replicas: "one" | "many";
  readonly sizing?: Sizing;
  /** In one process the platform does its work, without calls. */
  readonly meshOnly?: boolean;
  /** Its HTTP surfaces: the edge routes to them by their paths. */
  readonly surfaces?: readonly Surface[];
  /**
   * Surfaces that make no calls, of the edge, which has no others: its own process serves them, so they have routes at the edge and
   * nothing else.
   */
  readonly pages?: readonly Surface[];
  readonly settings?: S;
  /**
   * Methods that are safe to send again although their contract does not say so: the second call has no further
   * effect.
   */
  readonly repeatable?: readonly DescMethod[];
  /** Streams whose messages its handlers validate themselves, so that each bad message gets its own answer. */
  readonly selfValidating?: readonly DescMethod[];
  /** Absent: the edge, which the host opens, because it carries the routes and surfaces of all others. */
  compose?(platform: Platform, settings: ValuesOf<S>): Promise<ComposedService>;
}

/** Keeps the literal type of the name, and gives `compose` the type of the settings. */
export function describeService<const Name extends string, S extends Settings>(
  descriptor: ServiceDescriptor<Name, S>,
): ServiceDescriptor<Name, S> {
  return descriptor;
}
