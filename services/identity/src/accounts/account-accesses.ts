import type { DescMethod } from "@bufbuild/protobuf";
import { type AccessInit, type AccessLog, entryOf } from "@wellapi/access-log";
import type { Change } from "@wellapi/store";
import type { Pairwise } from "@wellapi/vault";
import { partitionOf } from "../patients/patient.ts";
import { type Account, accountPartition } from "./account.ts";

/** A call by the account's owner, or by somebody who says so. */
export interface AccountCall {
  readonly method: DescMethod;
  readonly workload: string;
  /** The session that asks, or that the call makes. */
  readonly session?: string;
}

/** Entries of the log about accounts. An account with a patient leaves one in the patient's own log, too. */
export interface AccountAccesses {
  /** Belongs to the commit of the change, in the account's partition. */
  leaf(account: Account, call: AccountCall): Change;
  /** After that commit; the patient's own entry is durable when it resolves. */
  committed(account: Account, call: AccountCall): Promise<void>;
  /** `reason`: as the caller got it. Durable when it resolves. */
  denied(account: Account, call: AccountCall, reason: string): Promise<void>;
}

export function createAccountAccesses(deps: {
  readonly accessLog: AccessLog;
  readonly pairwise: Pairwise;
  readonly region: string;
}): AccountAccesses {
  const { accessLog, pairwise, region } = deps;

  function entry(
    { id }: Account,
    call: AccountCall,
    patient: string | undefined,
    reason: string,
  ): AccessInit {
    const { method, workload, session } = call;
    const principal = { kind: "person", id, ...(session && { credential: session }) } as const;
    return entryOf(pairwise, {
      caller: { principal, workload, token: "" },
      method: `${method.parent.typeName}/${method.name}`,
      patient,
      outcome: reason === "" ? "permitted" : "denied",
      reason,
      consents: [],
      items: 0,
      requestId: "",
    });
  }

  async function ofPatient(account: Account, call: AccountCall, reason: string): Promise<void> {
    const { patient } = account;
    if (patient === undefined) return;
    await accessLog.record(partitionOf(region, patient), true, entry(account, call, patient, reason));
  }

  return {
    leaf: (account, call) =>
      accessLog.leaf(accountPartition(account.id), false, entry(account, call, undefined, "")).change,
    async committed(account, call) {
      accessLog.notify();
      await ofPatient(account, call, "");
    },
    async denied(account, call, reason) {
      await accessLog.record(accountPartition(account.id), false, entry(account, call, undefined, reason));
      await ofPatient(account, call, reason);
    },
  };
}
