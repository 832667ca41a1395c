import { type Notice, Notice_Kind } from "@wellapi/gen/wellapi/notices/v1/notices_pb";
import type { Formats } from "@wellapi/ui/browser/formats";
import { msOf } from "../api/time.ts";
import type { Words } from "../words/en.ts";

/** What a notice tells, in one sentence, and the page that has more of it. `organizationName`: of the organization that it names. */
export function noticeText(
  { kind, endTime }: Notice,
  organizationName: string,
  { words, formats }: { readonly words: Words; readonly formats: Formats },
): string {
  const says = words.notices;
  if (kind === Notice_Kind.CONSENT_ENDING) return says.ending(organizationName, formats.day(msOf(endTime)));
  const told = says.told[kind];
  return told === undefined ? says.unknown : told(organizationName);
}

export function pathOfNotice({ kind, organization, consentRequest }: Notice): string {
  if (kind === Notice_Kind.CONSENT_REQUESTED && consentRequest !== "") return `requests/${consentRequest}`;
  const ofLog = [Notice_Kind.EMERGENCY_ACCESS, Notice_Kind.DATA_RETRACTED, Notice_Kind.DELEGATION_ACCEPTED];
  return organization === "" || ofLog.includes(kind) || kind === Notice_Kind.UNSPECIFIED
    ? "log"
    : `organizations/${organization}`;
}
