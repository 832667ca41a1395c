/** Whose data is meant: that of these organizations alone, or that of all but these. */
export type Sources = { readonly only: readonly string[] } | { readonly except: readonly string[] };

/** Whose data a provision is about; absent: everybody's. */
export interface FromSources {
  readonly organizations: readonly string[];
}

interface Selecting {
  readonly sources?: FromSources;
}

/** Contributors whom all of some provisions treat alike. */
export interface SourceClass {
  readonly sources: Sources;
  /** Whether a provision is about their data. */
  readonly concerns: (provision: Selecting) => boolean;
}

/**
 * Parts all contributors by which of the provisions are about their data. One class of all of them where no provision names any: then
 * `concerns` is true of each.
 */
export function sourceClasses(provisions: readonly Selecting[]): readonly SourceClass[] {
  const named = new Set(provisions.flatMap(({ sources }) => sources?.organizations ?? []));
  const alike = Map.groupBy([...named].sort(), (organization) =>
    provisions.flatMap((one, i) => (one.sources?.organizations.includes(organization) ? [i] : [])).join(),
  );
  return [
    { sources: { except: [...named].sort() }, concerns: ({ sources }) => sources === undefined },
    ...[...alike.values()].map((only): SourceClass => {
      const concerns = ({ sources }: Selecting) => sources?.organizations.includes(only[0]!) ?? true;
      return { sources: { only }, concerns };
    }),
  ];
}

/** Whether the data of every contributor is meant. */
export function isOfAll(sources: Sources): boolean {
  return "except" in sources && sources.except.length === 0;
}

/** What is of one or the other. */
export function eitherOf(a: Sources, b: Sources): Sources {
  if ("only" in a) {
    if ("only" in b) return { only: [...new Set([...a.only, ...b.only])].sort() };
    return { except: b.except.filter((one) => !a.only.includes(one)) };
  }
  if ("only" in b) return eitherOf(b, a);
  return { except: a.except.filter((one) => b.except.includes(one)) };
}

/** Whether all that one provision is about is also what the other one is about, contributors apart from all else. */
export function isFromWithin(inner: Selecting, outer: Selecting): boolean {
  const { sources: wide } = outer;
  if (wide === undefined) return true;
  return inner.sources?.organizations.every((one) => wide.organizations.includes(one)) ?? false;
}
