import type { Contributions } from "../gate/contribution.ts";

/** The consents that let a record of these keys in, each once. */
export function consentsOf(
  keys: readonly string[],
  contributions: Contributions,
): ReadonlyArray<{ readonly consent: string; readonly version: number }> {
  const permits = keys.flatMap((key) => contributions.get(key)?.permits ?? []);
  return [
    ...new Map(
      permits.map(({ consent, version }) => [`${consent} ${version}`, { consent, version }]),
    ).values(),
  ];
}
