import { type Finding, findingOf, RESTORE } from "@wellapi/store";
import { VaultError } from "@wellapi/vault";
import { ConsentError } from "./errors.ts";

/** Looks whether a sealed document opens, and agrees with the fields beside it. A damaged key is reported by the check of the keys. */
export async function opened(
  collection: string,
  at: readonly (string | number)[],
  means: string,
  agrees: () => Promise<boolean>,
): Promise<Finding | undefined> {
  let what = "what is sealed is not what the fields beside it say";
  try {
    if (await agrees()) return undefined;
  } catch (error) {
    if (!(error instanceof ConsentError)) throw error;
    if (error.cause instanceof VaultError && error.cause.code === "damaged") return undefined;
    what = "its seal does not open";
  }
  return findingOf(collection, at, { what, means, remedy: RESTORE });
}
