import { VaultError } from "./errors.ts";
import type { PatientKey, Vault } from "./port.ts";

/**
 * The patient's data key: what it sealed dies with it. Undefined once it is destroyed, which may be before the patient is marked.
 * It may be dropped from memory, so it is used in the turn in which it came. Throws VaultError.
 */
export async function dataKeyOf(
  vault: Pick<Vault, "key">,
  partition: string,
): Promise<PatientKey | undefined> {
  try {
    return await vault.key(partition, "data");
  } catch (error) {
    if (error instanceof VaultError && error.code === "destroyed") return undefined;
    throw error;
  }
}
