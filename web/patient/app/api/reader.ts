import { ActingOption_Kind } from "@wellapi/gen/wellapi/identity/v1/account_pb";
import { type Connection, connect } from "./connection.ts";

/** Whose record the pages show, and in which role the reader sees it. */
export interface OpenRecord {
  readonly patient: string;
  readonly as: "self" | "carer" | "guardian" | "representative";
  /** What the patient is called. */
  readonly name: string;
  /** IANA name: the patient's days and times are of this zone. */
  readonly zone: string;
  readonly connection: Connection;
  /** The same reader as their account. */
  readonly account: Connection;
}

const kinds: Readonly<Partial<Record<ActingOption_Kind, OpenRecord["as"]>>> = {
  [ActingOption_Kind.PATIENT]: "self",
  [ActingOption_Kind.CARER]: "carer",
  [ActingOption_Kind.GUARDIAN]: "guardian",
  [ActingOption_Kind.REPRESENTATIVE]: "representative",
};

/** The record that the reader has chosen, or their own, or the only one; undefined where there is none. */
export async function openRecord(chosen: string): Promise<OpenRecord | undefined> {
  const account = connect("account");
  const { options } = await account.account.listActingOptions({});
  const records = options.flatMap(({ kind, actingAs, displayName }) => {
    const as = kinds[kind];
    return as === undefined ? [] : [{ patient: actingAs, as, name: displayName }];
  });
  const record =
    records.find(({ patient }) => patient === chosen) ??
    records.find(({ as }) => as === "self") ??
    (records.length === 1 ? records[0] : undefined);
  if (record === undefined) return undefined;
  const connection = connect(record.patient);
  const { patient } = await connection.patients.getPatient({ patient: record.patient });
  return {
    ...record,
    name: patient?.displayName || record.name,
    zone: usableZone(patient?.timeZones.at(-1)?.timeZone),
    connection,
    account,
  };
}

/** The id of the patient's own account, where it is the reader's; empty where they read somebody else's record. */
export async function ownAccountOf({ as, account }: OpenRecord, signal: AbortSignal): Promise<string> {
  if (as !== "self") return "";
  return (await account.account.getAccount({}, { signal })).account?.id ?? "";
}

/** A browser may know fewer zones than the exchange. */
function usableZone(zone = "UTC"): string {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return zone;
  } catch {
    return "UTC";
  }
}
