import type { KnownOrganization } from "../api/organizations.ts";
import { usePlace } from "../context.ts";

/** As it calls itself. */
export function OrganizationName({ known }: { readonly known: KnownOrganization | undefined }) {
  return <>{known?.name ?? usePlace().words.common.unknownOrganization}</>;
}

/** Whether anybody has checked who it is: anybody can choose a name. */
export function Standing({ known }: { readonly known: KnownOrganization }) {
  const { home } = usePlace().words;
  return (
    <span class={`badge ${known.verified ? "success" : "warning"}`}>
      {known.verified ? home.verified : home.notVerified}
    </span>
  );
}
