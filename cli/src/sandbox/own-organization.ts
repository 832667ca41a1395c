import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { connect } from "@wellapi/client";
import { SandboxService } from "@wellapi/gen/wellapi/identity/v1/sandbox_service_pb";
import {
  createFilling,
  type Filled,
  type Filling,
  FillingError,
  type Wanted,
} from "@wellapi/sandbox-people/filling";
import { CliError } from "../failure.ts";
import type { Output } from "../output.ts";

/** An organization that is filled by its own key. */
export interface OwnOrganization {
  readonly id: string;
  readonly filling: Filling;
}

/**
 * That of the application whose key calls; undefined: the caller is no application. Throws the exchange's SANDBOX_ONLY where it is no
 * sandbox. `url`: the gateway's.
 */
export async function ownOrganization(caller: Transport, url: string): Promise<OwnOrganization | undefined> {
  try {
    const { organization } = await createClient(SandboxService, caller).getSandbox({});
    const asPatient = (token: string) => connect({ url, token });
    return { id: organization, filling: createFilling({ organization: caller, asPatient }) };
  } catch (error) {
    const { code } = ConnectError.from(error);
    if (code === Code.PermissionDenied || code === Code.Unimplemented) return undefined;
    throw error;
  }
}

/** Fills it, or goes on with what was begun. */
export async function fillOwn({ filling }: OwnOrganization, wanted: Wanted, output: Output): Promise<void> {
  tell(await said(filling.fill(wanted)), output);
}

/** Erases all of its test patients, and fills it. */
export async function resetOwn({ filling }: OwnOrganization, wanted: Wanted, output: Output): Promise<void> {
  tell(await said(filling.reset(wanted)), output);
}

/** Lets the devices go on until the signal aborts. */
export async function streamOwn(
  { filling }: OwnOrganization,
  { everyMs, output, signal }: { everyMs: number; output: Output; signal: AbortSignal },
): Promise<void> {
  const goingOn = filling.goOn({
    everyMs,
    signal,
    onSent({ accepted, duplicate, sentToMs }) {
      const sentTo = new Date(sentToMs).toISOString();
      output.object({ accepted, duplicate, sentTo }, () => `${sentTo} ${accepted} samples`);
    },
  });
  await said(goingOn);
}

function tell({ organization, people, accepted, duplicate }: Filled, output: Output): void {
  const patients = people.map(({ id, displayName, person }) => ({
    name: person!.name,
    patient: id,
    displayName,
  }));
  output.object({ organization, patients, accepted, duplicate }, () =>
    [
      `${organization} has these test patients:`,
      ...patients.map(({ patient, displayName }) => `  ${patient}  ${displayName}`),
      `${accepted} samples are stored now, ${duplicate} were stored before`,
      "wellapi sandbox stream   # their devices go on",
    ].join("\n"),
  );
}

async function said<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof FillingError) throw new CliError("input", error.message, { cause: error });
    throw error;
  }
}
