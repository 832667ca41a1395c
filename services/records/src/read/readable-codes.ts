import type { Terminology } from "@wellapi/terminology";
import { unlessLeftOut } from "../gate/left-out.ts";
import type { CodePermit } from "../gate/permit.ts";
import { type Read, refuseStrangers } from "../gate/reading.ts";
import type { Interval } from "../model/interval.ts";

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
  const decided = Promise.all(codes.map((code) => unlessLeftOut(read.codePermit(code, bounds))));
  // Who may read all that they name is no stranger. Of all codes that there are some are nearly always left out: then both are asked
  // at once, as one question to the consent service.
  const isWhole = asked !== undefined && !(await decided).includes(undefined);
  const [permits, refusal] = await Promise.all([decided, isWhole ? undefined : refuseStrangers(read)]);
  if (refusal !== undefined && permits.includes(undefined)) throw refusal;
  return new Map(
    permits.flatMap((permit, at) => (permit === undefined ? [] : [[codes[at]!, permit] as const])),
  );
}
