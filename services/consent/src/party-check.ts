import type { Provision } from "./consent.ts";
import { ConsentError } from "./errors.ts";
import type { Parties } from "./parties-client.ts";
import { namedSources } from "./sources.ts";

/**
 * Whether the contributors whom provisions name, or whose devices, are or were organizations here: a denial of a name that nobody has would deny nothing.
 * Throws ConsentError `invalid` for the first that is none. `root` is where the provisions stand in the request; empty: at its top.
 */
export async function checkSources(
  parties: Pick<Parties, "wasOrganization">,
  provisions: readonly Provision[],
  root: string,
): Promise<void> {
  const named = [...new Set(namedSources(provisions).map(({ organization }) => organization))];
  const known = await Promise.all(named.map((organization) => parties.wasOrganization(organization)));
  const unknown = named.find((_, i) => !known[i]);
  if (unknown === undefined) return;
  const at = provisions.findIndex((one) =>
    namedSources([one]).some((source) => source.organization === unknown),
  );
  const list = provisions[at]!.sources!.organizations.includes(unknown) ? "organizations" : "devices";
  const field = [root, `provisions[${at}].sources.${list}`].filter((part) => part !== "").join(".");
  const description = `${unknown} is no organization here: the sources of the data name theirs`;
  throw new ConsentError("invalid", { violations: [{ field, description, reason: "INVALID_FIELD" }] });
}

/**
 * Throws `patient_erased`; `invalid` for an organization that does not exist, or not any more, with the field of the request that
 * names it.
 */
export async function checkParties(
  parties: Pick<Parties, "isOrganization" | "isPatient">,
  named: { readonly organization: string; readonly field: string },
  partition: string,
): Promise<void> {
  const [isThere, isPatient] = await Promise.all([
    parties.isOrganization(named.organization),
    parties.isPatient(partition),
  ]);
  // The document of the patient's consents says so too, once the erasure has begun.
  if (!isPatient) throw new ConsentError("patient_erased");
  if (isThere) return;
  const description = "is no organization here: ask it for its id";
  const violation = { field: named.field, description, reason: "INVALID_FIELD" };
  throw new ConsentError("invalid", { violations: [violation] });
}
