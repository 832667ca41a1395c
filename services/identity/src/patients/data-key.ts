import { type PatientKey, type Vault, VaultError } from "@wellapi/vault";

/** The patient's data key, or undefined once it is destroyed, which may be before the patient is marked. */
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
