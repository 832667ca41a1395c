import { type ActingOption, ActingOption_Kind } from "@wellapi/gen/wellapi/identity/v1/account_pb";
import type { HttpReply, HttpRequest, SurfaceContext } from "@wellapi/http";
import { cookieOf } from "../cookies.ts";
import { formOf } from "../forms.ts";
import { keep } from "../routes.ts";
import { accountClient, call } from "../signed-in.ts";

/** A record that the reader may act for. */
export interface RecordOption {
  /** The patient's id, as calls name whom they act for. */
  readonly actingAs: string;
  readonly as: "self" | "carer" | "guardian" | "representative";
  /** What the patient is called. */
  readonly name: string;
}

/** An organization that the reader works for. */
export interface Workplace {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
}

/** Who reads a page: what their account may act as now. */
export interface Reader {
  /** The own one first. */
  readonly records: readonly RecordOption[];
  /** The one that pages show: chosen, or else the own one, or else the only one. */
  readonly record: RecordOption | undefined;
  readonly workplaces: readonly Workplace[];
  /** Roles among the installation's staff, such as `privacy_officer`. */
  readonly staff: readonly string[];
}

const kinds: Readonly<Partial<Record<ActingOption_Kind, RecordOption["as"]>>> = {
  [ActingOption_Kind.PATIENT]: "self",
  [ActingOption_Kind.CARER]: "carer",
  [ActingOption_Kind.GUARDIAN]: "guardian",
  [ActingOption_Kind.REPRESENTATIVE]: "representative",
};

/** Asked for each page, so that what has ended is not offered. */
export async function readerOf(context: SurfaceContext, request: HttpRequest): Promise<Reader> {
  const { options } = await accountClient(context, request).listActingOptions({}, call);
  const records = recordsIn(options);
  const chosen = cookieOf(request, "record");
  return {
    records,
    record:
      records.find(({ actingAs }) => actingAs === chosen) ??
      records.find(({ as }) => as === "self") ??
      (records.length === 1 ? records[0] : undefined),
    workplaces: options
      .filter(({ kind }) => kind === ActingOption_Kind.MEMBER)
      .map(({ actingAs, displayName, roles }) => ({
        id: actingAs,
        name: displayName,
        roles: spelled(roles),
      })),
    staff: options.flatMap(({ kind, roles }) => (kind === ActingOption_Kind.STAFF ? spelled(roles) : [])),
  };
}

function recordsIn(options: readonly ActingOption[]): readonly RecordOption[] {
  return options.flatMap(({ kind, actingAs, displayName }) => {
    const as = kinds[kind];
    return as === undefined ? [] : [{ actingAs, as, name: displayName }];
  });
}

function spelled(roles: readonly string[]): readonly string[] {
  return roles.map((role) => role.toLowerCase().replace(/^role_/, ""));
}

/**
 * The record that the form was shown for. It counts, whatever the reader has chosen in another window since: a form never
 * changes somebody else's record than its page named. Undefined where the reader no longer acts for it.
 */
export async function recordOfForm(
  context: SurfaceContext,
  request: HttpRequest,
  reply: HttpReply,
): Promise<RecordOption | undefined> {
  const named = formOf(request).text("record");
  const record = (await readerOf(context, request)).records.find(({ actingAs }) => actingAs === named);
  if (record !== undefined) keep(reply, "record", record.actingAs);
  return record;
}
