import type { Fact } from "@wellapi/journal";
import type { Consent } from "../consent.ts";

/** The journal's fact for terms that permit less than those of the version before. */
export function amendmentOf(
  partition: string,
  { id, version }: Pick<Consent, "id" | "version">,
  time: number,
): Fact {
  return { kind: "consent_amended", partition, subject: `${id}.${version}`, time };
}

/** The version in the subject of such a fact. */
export function amendedIn(subject: string): { readonly consent: string; readonly version: number } {
  const [consent = "", version] = subject.split(".");
  return { consent, version: Number(version) };
}
