import type { Transport } from "@connectrpc/connect";
import type { OpenAccessLog } from "@wellapi/access-log";
import type { Answers, OpenEnforcer } from "@wellapi/enforcer";
import type { Events, Relay } from "@wellapi/events";
import type { JournalAccess, JournalRepository } from "@wellapi/journal";
import type { PageTokens } from "@wellapi/rpc";
import type { Clock, Closers, Ids, Logger } from "@wellapi/runtime";
import type { CollectionDeclaration, Store } from "@wellapi/store";
import type { Terminology } from "@wellapi/terminology";
import type { Kms, OpenVault, Pairwise } from "@wellapi/vault";

/** The settings of an installation, wherever its services run. */
export interface Installation {
  /** SPIFFE trust domain, issuer of tokens, and name of the log. */
  readonly trustDomain: string;
  /** In the sandbox an operator can issue patients' tokens, and the gRPC door has reflection. */
  readonly profile: "sandbox" | "production";
  /** Home region of the patients. */
  readonly region: string;
  /**
   * Where people and programs reach the gateway, without a path: `https://wellapi.example`. Known once the doors are open.
   */
  origin(): string;
  /** Where clients with a TLS certificate reach the gateway, as `origin`; undefined: nothing asks them for one. */
  mtlsOrigin(): string | undefined;
}

/** Calls to other services, made by the service's own workload. */
export interface Network {
  /** Without a token: the called service sees the workload only. */
  unauthenticated(): Transport;
  /** On the workload's own behalf. */
  onOwn(): Transport;
  /** On behalf of the caller of the call under way. */
  onBehalf(): Transport;
}

/** What is derived from the installation's master key. */
export interface Keys {
  readonly kms: Kms;
  readonly pairwise: Pairwise;
  readonly pageTokens: PageTokens;
}

/** Folders of the log of accesses. */
export interface LogFolders {
  /** Of tiles, which are a cache. */
  readonly directory: string;
  /** Of the last published checkpoint and the log's keys: apart from the data, never in the data's backups. */
  readonly publishedDirectory: string;
}

/** The process's session with consent: decisions that may be remembered, and the answers that depend on them. */
export interface Enforcement {
  readonly enforcer: OpenEnforcer;
  /** Answers in flight, under the enforcer's session. */
  readonly answers: Answers;
}

/** Tells the doors of this process that a credential, an application or an organization has lost its access. */
export interface AccessEnds {
  /** Call it once the end is durable, and before the call that caused it is answered. Never throws. */
  tell(id: string): void;
  /** Returns how to stop. */
  listen(listener: (id: string) => void): () => void;
}

/**
 * The platform of a service, the same in one process (SQLite, memory) and in a mesh (MongoDB, NATS, mTLS). Each
 * service gets its own, made for its descriptor: a method whose need is missing under `needs` throws ServiceError
 * `not_declared`, so the manifests that are derived from `needs` stay true. `closers` closes resources that a method
 * opens; a service pushes the closers of what it opens itself.
 */
export interface Platform {
  readonly installation: Installation;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly closers: Closers;
  readonly network: Network;
  /** Whether other processes write to the same store: replicas of the service, over one database. */
  readonly replicated: boolean;
  readonly accessEnds: AccessEnds;
  /**
   * Whether the disk has no room for data: health data is then refused, so that the last of the room serves entries,
   * revocations and whatever makes room.
   */
  readOnly(): boolean;
  /** The service's own store, with the collections that the descriptor declares. */
  openStore(): Promise<Store>;
  /** Codes and categories, with those that the installation adds. Throws TerminologyError where they cannot be used. */
  terminology(): Promise<Terminology>;
  keys(): Promise<Keys>;
  /** Patients' keys, in one store for all services. */
  vault(): Promise<OpenVault>;
  /** Facts that a restore must not undo: stored apart from the data, one journal for all services. */
  journal(): Promise<JournalAccess>;
  /** The service's outbox of leaves, in its own store. */
  openAccessLog(store: Store): Promise<OpenAccessLog>;
  /** Durable events of these subjects. */
  openEvents(subjects: readonly string[]): Promise<Events>;
  /** Moves the events of the service's own store out. */
  openRelay(store: Store, events: Events): Relay;
  /** One a process: in one process, the doors and the services that need it share it. */
  enforcement(): Promise<Enforcement>;
  logFolders(): LogFolders;
  /** A store in a file of the process's own folder. */
  openFile(name: string, collections: readonly CollectionDeclaration[]): Promise<Store>;
  /** The journal itself, in the folder `WELLAPI_JOURNAL_DIR`. */
  openJournalFile(): Promise<JournalRepository>;
}
