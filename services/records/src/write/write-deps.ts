import type { AccessLog } from "@wellapi/access-log";
import type { Relay } from "@wellapi/events";
import type { Clock, Ids } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import type { Vault } from "@wellapi/vault";
import type { CommitHub } from "../blocks/commit-hub.ts";
import type { PatientQueue } from "../blocks/patient-queue.ts";
import type { Gate } from "../gate/gate.ts";

/** Dependencies of every writer of a patient's records. */
export interface WriteDeps {
  readonly store: Store;
  readonly vault: Vault;
  readonly gate: Gate;
  readonly accessLog: AccessLog;
  readonly relay: Pick<Relay, "notify">;
  readonly queue: PatientQueue;
  readonly hub: CommitHub;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Whether the disk has no room for data. */
  readonly readOnly?: () => boolean;
}
