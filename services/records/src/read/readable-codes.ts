import type { Terminology } from "@wellapi/terminology";
import { RecordsError } from "../errors.ts";
import type { CodePermit } from "../gate/permit.ts";
import { type Read, refuseStrangers } from "../gate/reading.ts";
import type { Interval } from "../model/interval.ts";

const denials: ReadonlySet<string> = new Set([
  "CONSENT_REQUIRED",
  "SCOPE_REQUIRED",
  "NOT_FOR_REPRESENTATIVES",
  "POLICY_DENIED",
  "RESOLUTION_TOO_FINE",
]);

/**
 * What a reader may read as recorded of several codes, by ascending code. What may not be read is left out, as if it were not there; who may
 * not know the patient is refused. The questions are the same whatever the patient has.
 *
 * @param asked undefined: every code that there is
 */
export async function readableCodes(
  terminology: Pick<Terminology, "codes">,
  read: Read,
  asked: readonly string[] | undefined,
  bounds: Interval,
): Promise<ReadonlyMap<string, CodePermit>> {
  const codes = [...new Set(asked ?? terminology.codes.map(({ code }) => code))].sort();
  // At once, so that they are one question to the consent service.
  const [, permits] = await Promise.all([
    refuseStrangers(read),
    Promise.all(codes.map((code) => permitOf(read, code, bounds))),
  ]);
  return new Map(
    permits.flatMap((permit, at) => (permit === undefined ? [] : [[codes[at]!, permit] as const])),
  );
}

async function permitOf(read: Read, code: string, bounds: Interval): Promise<CodePermit | undefined> {
  try {
    return await read.codePermit(code, bounds);
  } catch (error) {
    if (error instanceof RecordsError && denials.has(error.code)) return undefined;
    throw error;
  }
}
