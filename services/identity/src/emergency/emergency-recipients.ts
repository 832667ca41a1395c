import { eachOnce, membersWith, patientAndGuardians, type RecipientsDeps } from "../mail/recipients.ts";
import { STAFF } from "../members/member.ts";
import type { Told } from "./emergency-mail.ts";

/**
 * Who is told of emergency access to a patient's data: the patient where they have an account, their guardians, and every privacy
 * officer. Each address once.
 */
export async function emergencyRecipients(deps: RecipientsDeps, partition: string): Promise<readonly Told[]> {
  const near = await patientAndGuardians(deps, partition);
  const officers = await membersWith(deps, STAFF, ["privacy_officer"]);
  return eachOnce([
    ...near.map(({ email, language, as }) => ({ email, language, as })),
    ...officers.map((one) => ({ ...one, as: "officer" as const })),
  ]);
}
