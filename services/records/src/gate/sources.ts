import type { Sources } from "@wellapi/enforcer";

interface FromSources {
  readonly sources?: Sources | undefined;
}

/** Whether the contributor makes a difference to any of the permits. */
export function namesSources(permits: readonly FromSources[]): boolean {
  return permits.some(({ sources }) => sources !== undefined);
}

/** The permits that hold for the data of one contributor; undefined: of one who is not known. */
export function permitsFrom<P extends FromSources>(
  permits: readonly P[],
  organization: string | undefined,
): readonly P[] {
  return namesSources(permits) ? permits.filter((permit) => isFrom(permit, organization)) : permits;
}

function isFrom({ sources }: FromSources, organization: string | undefined): boolean {
  if (sources === undefined) return true;
  if (organization === undefined) return false;
  return "only" in sources ? sources.only.has(organization) : !sources.except.has(organization);
}

/** The sources of a permit in one text; empty: all. */
export function sourcesText({ sources }: FromSources): string {
  if (sources === undefined) return "";
  const [word, organizations] = "only" in sources ? ["only", sources.only] : ["except", sources.except];
  return ` ${word} ${[...organizations].sort().join(" ")}`;
}
