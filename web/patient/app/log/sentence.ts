import type { Access } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import type { Formats } from "@wellapi/ui/browser/formats";
import type { Words } from "../words/en.ts";
import { codesText, valuesText } from "../words/names.ts";
import { type Happening, tellsItems } from "./happening.ts";

/** How a sentence is told, and to whom: a part of what every page has (`Place`). */
export interface Teller {
  readonly words: Words;
  readonly formats: Formats;
  readonly record: { readonly as: string; readonly name: string };
}

/** Who did what, in one sentence. `organizationName`: of the organization that the entry names; undefined where it is not known. */
export function sentenceOf(
  access: Access,
  { kind, doer, outcome }: Happening,
  organizationName: string | undefined,
  { words, formats, record }: Teller,
): string {
  const says = words.log;
  const own = record.as === "self";
  const whom = own ? says.whom : record.name;
  const who = {
    patient: own ? says.you : record.name,
    person: says.person,
    delegate: says.delegate(whom),
    organization: organizationName ?? words.common.unknownOrganization,
    installation: says.installation,
  }[doer];
  if (kind === "signIn" && outcome !== "done") return `${says.wantedSignIn(whom)}.`;
  if (kind === "previewed" && access.previewedOrganization !== "") {
    return `${says.previewedOf(who, organizationName ?? words.common.unknownOrganization)}.`;
  }
  if (kind !== "read" && kind !== "sent") return `${says[kind](who, whom)}.`;
  const what = access.codes.length === 0 ? says.data : codesText(words, formats, access.codes);
  if (outcome !== "done") {
    return `${kind === "read" ? says.wantedRead(who, what) : says.wantedSent(who, what)}.`;
  }
  const amount = tellsItems(access) ? ` (${valuesText(words, formats, access.items)})` : "";
  return `${says[kind](who, what)}${amount}.`;
}
