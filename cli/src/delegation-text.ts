import { createClient } from "@connectrpc/connect";
import { type Connection, paginate } from "@wellapi/client";
import {
  type Delegation,
  Delegation_Kind,
  Delegation_State,
  DelegationSchema,
  DelegationService,
} from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import type { Command } from "commander";
import { nameOf } from "./arguments.ts";
import { connect } from "./connection.ts";
import { CliError } from "./failure.ts";
import type { Io } from "./io.ts";
import { createOutput, type Output, timeText } from "./output.ts";
import { addConnectionOptions, type Settings, settingsOf } from "./settings.ts";

export const kinds = {
  carer: Delegation_Kind.CARER,
  guardian: Delegation_Kind.GUARDIAN,
  representative: Delegation_Kind.REPRESENTATIVE,
} as const;
export const states = {
  offered: Delegation_State.OFFERED,
  unconfirmed: Delegation_State.UNCONFIRMED,
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

/** Commands of `group` by which who verifies somebody changes their state, each with its reason. */
export function addDecisions(
  group: Command,
  io: Io,
  decisions: Readonly<Record<string, { readonly state: Delegation_State; readonly text: string }>>,
): void {
  for (const [name, { state, text }] of Object.entries(decisions)) {
    addConnectionOptions(group.command(`${name} <delegation>`), io)
      .description(text)
      .requiredOption("--reason <text>", "why; kept with the grounds")
      .addHelpText("after", `\nExample: wellapi ${group.name()} ${name} del_... --reason "order 12 F 3/26"`)
      .action(async (delegation: string, { reason }: { reason: string }, command: Command) => {
        const settings = settingsOf(command, io);
        const client = createClient(DelegationService, await connect(settings));
        const changed = await client.setGuardianState({ delegation, state, reason });
        printDelegation(createOutput(io, settings.json), changed.delegation);
      });
  }
}

export function printDelegation(output: Output, delegation: Delegation | undefined): void {
  if (delegation === undefined) return;
  const { id, kind, state, displayName } = delegation;
  output.message(DelegationSchema, delegation, () =>
    [id, nameOf(kinds, kind), displayName, nameOf(states, state)].join("  "),
  );
}
