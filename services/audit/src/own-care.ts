import type { Principal } from "@wellapi/rpc";
import { codesWithout, type Terminology } from "@wellapi/terminology";

/** What of an entry decides. */
interface EntryInView {
  readonly codes: readonly string[];
  /** Of a preview: the organization whose view it was. */
  readonly previewedOrganization?: string;
  readonly actor?: { readonly id: string } | undefined;
}

/** Which entries of a patient's log are shown to a caller; the patient sees all. */
export type Shown = (access: EntryInView | undefined) => boolean;

const all: Shown = () => true;

/**
 * To whoever acts in the name of a minor with care of their own: entries that name codes, none of which is of that care, and those of
 * the caller's own calls. An entry without codes may be about a consent to such care, a sign-in of the minor or a grant, and the names
 * in it alone would tell; so it is left out, and lists look as if there were none. So is a preview: it names an organization, to which
 * the minor may have permitted such care alone.
 */
export function shownTo({ hides, actor }: Principal, terminology: Terminology): Shown {
  if (hides === undefined) return all;
  const open = codesWithout(terminology, "all", hides);
  return (access) => {
    if (access === undefined) return false;
    if (actor !== undefined && access.actor?.id === actor.id) return true;
    if ((access.previewedOrganization ?? "") !== "") return false;
    return access.codes.length > 0 && access.codes.every((code) => open.has(code));
  };
}
