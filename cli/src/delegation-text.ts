import { createClient } from "@connectrpc/connect";
import { type Connection, paginate } from "@wellapi/client";
import {
  type Delegation,
  Delegation_Kind,
  Delegation_State,
  DelegationSchema,
  DelegationService,
} from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import { nameOf } from "./arguments.ts";
import { CliError } from "./failure.ts";
import { type Output, timeText } from "./output.ts";
import type { Settings } from "./settings.ts";

export const kinds = { carer: Delegation_Kind.CARER, guardian: Delegation_Kind.GUARDIAN } as const;
const states = {
  offered: Delegation_State.OFFERED,
  active: Delegation_State.ACTIVE,
  disputed: Delegation_State.DISPUTED,
  blocked: Delegation_State.BLOCKED,
  ended: Delegation_State.ENDED,
} as const;

/** The patient that a command is about: named by it, or the one as whom it acts. Throws CliError `usage`. */
export function patientOf(named: string | undefined, { asPatient }: Settings): string {
  const patient = named ?? asPatient;
  if (patient !== undefined) return patient;
  throw new CliError("usage", "say whose: --patient ID (`wellapi account acting` lists yours)");
}

export async function printDelegations(
  connection: Connection,
  output: Output,
  query: { readonly patient: string; readonly kind: Delegation_Kind },
): Promise<void> {
  const client = createClient(DelegationService, connection);
  const all = await Array.fromAsync(
    paginate(
      (pageToken) => client.listDelegations({ patient: query.patient, pageToken }),
      (page) => page.delegations,
    ),
  );
  output.rows(
    DelegationSchema,
    all.filter(({ kind }) => kind === query.kind),
    ["delegation", "name", "e-mail", "state", "account", "since", "until"],
    (one) => [
      one.id,
      one.displayName,
      one.email,
      nameOf(states, one.state),
      one.account,
      timeText(one.createTime),
      timeText(one.expireTime),
    ],
  );
}

export function printDelegation(output: Output, delegation: Delegation | undefined): void {
  if (delegation === undefined) return;
  const { id, kind, state, displayName } = delegation;
  output.message(DelegationSchema, delegation, () =>
    [id, nameOf(kinds, kind), displayName, nameOf(states, state)].join("  "),
  );
}
