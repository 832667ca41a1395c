/** A device of the patient's, as one organization sends its data. */
export interface SourceDevice {
  readonly organization: string;
  /** Internal id, `dev_...`. */
  readonly device: string;
}

/** Whose data is meant: that of these organizations alone, or that of all but these. Of single devices it may be the other way round. */
export type Sources = ({ readonly only: readonly string[] } | { readonly except: readonly string[] }) & {
  /** Meant, although their organizations are not. */
  readonly also?: readonly SourceDevice[];
  /** Not meant, although their organizations are. */
  readonly without?: readonly SourceDevice[];
};

/** Whose data a provision is about: that of any of these organizations and devices, of which there is one. Absent: everybody's. */
export interface FromSources {
  readonly organizations: readonly string[];
  /** Absent: no single one. */
  readonly devices?: readonly SourceDevice[];
}

interface Selecting {
  readonly sources?: FromSources;
}

interface NamedSource {
  readonly organization: string;
  /** Absent: the organization itself, that is what it sends of all devices that are not named, and without any. */
  readonly device?: string;
}

/** Sources that all of some provisions treat alike. */
export interface SourceClass {
  readonly members: readonly NamedSource[];
  /** Whether all that nobody names belongs to it, too. */
  readonly others: boolean;
  /** Whether a provision is about their data. */
  readonly concerns: (provision: Selecting) => boolean;
}

/**
 * Parts all sources by which of the provisions are about their data. One class of all of them where no provision names any: then
 * `concerns` is true of each.
 */
export function sourceClasses(provisions: readonly Selecting[]): readonly SourceClass[] {
  const alike = Map.groupBy(namedSources(provisions), (source) =>
    provisions
      .flatMap((one, i) => (one.sources !== undefined && names(one.sources, source) ? [i] : []))
      .join(),
  );
  return [
    { members: [], others: true, concerns: ({ sources }) => sources === undefined },
    ...[...alike.values()].map((members): SourceClass => {
      const concerns = ({ sources }: Selecting) => sources === undefined || names(sources, members[0]!);
      return { members, others: false, concerns };
    }),
  ];
}

/** The sources of some of the classes; undefined: of all that there are. */
export function sourcesOf(
  some: readonly SourceClass[],
  classes: readonly SourceClass[],
): Sources | undefined {
  const others = some.some((one) => one.others);
  const meant = new Set(some.flatMap(({ members }) => members.map(keyOf)));
  const all = classes.flatMap(({ members }) => members).sort(byKey);
  const organizations = all.flatMap((one) => (one.device === undefined ? [one.organization] : []));
  const unlike = organizations.filter((organization) => meant.has(keyOf({ organization })) !== others);
  const devices = all.flatMap(({ organization, device }) =>
    device === undefined ? [] : { organization, device },
  );
  const isMeant = (organization: string) => unlike.includes(organization) !== others;
  const also = devices.filter((one) => meant.has(keyOf(one)) && !isMeant(one.organization));
  const without = devices.filter((one) => !meant.has(keyOf(one)) && isMeant(one.organization));
  if (others && unlike.length + without.length === 0) return undefined;
  return {
    ...(others ? { except: unlike } : { only: unlike }),
    ...(also.length > 0 && { also }),
    ...(without.length > 0 && { without }),
  };
}

/** All that provisions name, each once. */
export function namedSources(provisions: readonly Selecting[]): readonly NamedSource[] {
  const named = provisions.flatMap(({ sources }) => [
    ...(sources?.organizations ?? []).map((organization): NamedSource => ({ organization })),
    ...(sources?.devices ?? []),
  ]);
  return [...new Map(named.map((one) => [keyOf(one), one])).values()].sort(byKey);
}

/** Devices, each once and in one order, so that the same said otherwise is the same. */
export function eachOnce(devices: readonly SourceDevice[]): readonly SourceDevice[] {
  return [...new Map(devices.map((one) => [keyOf(one), one])).values()].sort(byKey);
}

/** Whether all that one provision is about is also what the other one is about, sources apart from all else. */
export function isFromWithin(inner: Selecting, outer: Selecting): boolean {
  const wide = outer.sources;
  if (wide === undefined) return true;
  return inner.sources !== undefined && namedSources([inner]).every((one) => names(wide, one));
}

/** Whether data of a source is meant; who names an organization means all of its devices. */
function names({ organizations, devices = [] }: FromSources, { organization, device }: NamedSource): boolean {
  if (organizations.includes(organization)) return true;
  return (
    device !== undefined && devices.some((one) => one.organization === organization && one.device === device)
  );
}

function keyOf({ organization, device = "" }: NamedSource): string {
  return `${organization} ${device}`;
}

function byKey(a: NamedSource, b: NamedSource): number {
  return keyOf(a) < keyOf(b) ? -1 : 1;
}
