/** A device of the patient's, as one organization sends its data. */
export interface SourceDevice {
  readonly organization: string;
  /** Internal id, `dev_...`. */
  readonly device: string;
}

/** How a value came about, by the names of wellapi.type.v1.CaptureMethod. What does not say it is of none. */
export const methods = ["sensed", "derived", "self_reported", "clinician"] as const;
export type Method = (typeof methods)[number];

/** Whose data is meant: that of these organizations alone, or that of all but these. Of single devices it may be the other way round. */
export type Sources = ({ readonly only: readonly string[] } | { readonly except: readonly string[] }) & {
  /** Meant, although their organizations are not. */
  readonly also?: readonly SourceDevice[];
  /** Not meant, although their organizations are. */
  readonly without?: readonly SourceDevice[];
  /** Of these, only what came about in one of these ways. Absent: in any but those of `exceptMethods`. */
  readonly onlyMethods?: readonly Method[];
  /** Of these, not what came about in one of these ways. Absent: none. */
  readonly exceptMethods?: readonly Method[];
};

/** Which data a provision is about, by where it comes from: it states senders, ways or both. Absent: all. */
export interface FromSources {
  /** Of any of these organizations and of `devices`. Where there is none of both: of everybody. */
  readonly organizations: readonly string[];
  /** Absent: no single one. */
  readonly devices?: readonly SourceDevice[];
  /** Only what came about in one of these ways. Absent: in any, and what does not say it. */
  readonly methods?: readonly Method[];
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
  /** What of their data is meant. */
  readonly ways: Ways;
  /** Whether a provision is about it. */
  readonly concerns: (provision: Selecting) => boolean;
}

/** Ways to come about that all of some provisions treat alike. */
interface Ways {
  readonly members: readonly Method[];
  /** Whether all that nobody names belongs to it, too, and what does not say it. */
  readonly others: boolean;
}

/**
 * Parts all data by which of the provisions are about it: by its source and, within, by the way it came about. One class of all where no
 * provision names any: then `concerns` is true of each.
 */
export function sourceClasses(provisions: readonly Selecting[]): readonly SourceClass[] {
  const alike = Map.groupBy(namedSources(provisions), (source) =>
    provisions
      .flatMap((one, i) => (one.sources !== undefined && names(one.sources, source) ? [i] : []))
      .join(),
  );
  const parts = waysOf(provisions);
  return [undefined, ...alike.values()].flatMap((members) =>
    parts.map((ways): SourceClass => {
      const concerns = (one: Selecting) =>
        isOfWays(one, ways) &&
        (!namesSender(one) || (members !== undefined && names(one.sources!, members[0]!)));
      return { members: members ?? [], others: members === undefined, ways, concerns };
    }),
  );
}

function waysOf(provisions: readonly Selecting[]): readonly Ways[] {
  const alike = Map.groupBy(namedMethods(provisions), (method) =>
    provisions.flatMap(({ sources }, i) => (sources?.methods?.includes(method) ? [i] : [])).join(),
  );
  return [
    { members: [], others: true },
    ...[...alike.values()].map((members) => ({ members, others: false })),
  ];
}

function isOfWays({ sources }: Selecting, { members, others }: Ways): boolean {
  return sources?.methods === undefined || (!others && sources.methods.includes(members[0]!));
}

/** The data of some of the classes: each of them, or all together; undefined: all that there is. */
export function sourcesOf(
  some: readonly SourceClass[],
  classes: readonly SourceClass[],
): readonly (Sources | undefined)[] {
  const parts = [...new Set(classes.map(({ ways }) => ways))];
  const alike = Map.groupBy(
    parts.flatMap((ways) => {
      const of = some.filter((one) => one.ways === ways);
      return of.length === 0 ? [] : [{ ways, senders: sendersOf(of, classes) }];
    }),
    ({ senders }) => JSON.stringify(senders),
  );
  return [...alike.values()].map((same) => {
    const [{ senders }] = same as [(typeof same)[number]];
    if (same.length === parts.length) return senders;
    const of = same.map(({ ways }) => ways);
    const members = (among: readonly Ways[]) => among.flatMap((one) => one.members).sort();
    return {
      ...(senders ?? { except: [] }),
      ...(of.some(({ others }) => others)
        ? { exceptMethods: members(parts.filter((one) => !of.includes(one))) }
        : { onlyMethods: members(of) }),
    };
  });
}

/** The senders of some of the classes, of one way; undefined: all that there are. */
function sendersOf(some: readonly SourceClass[], classes: readonly SourceClass[]): Sources | undefined {
  const others = some.some((one) => one.others);
  const meant = new Set(some.flatMap(({ members }) => members.map(keyOf)));
  const [{ ways }] = some as [SourceClass];
  const all = classes.flatMap((one) => (one.ways === ways ? one.members : [])).sort(byKey);
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

/** All organizations and devices that provisions name, each once. */
export function namedSources(provisions: readonly Selecting[]): readonly NamedSource[] {
  const named = provisions.flatMap(({ sources }) => [
    ...(sources?.organizations ?? []).map((organization): NamedSource => ({ organization })),
    ...(sources?.devices ?? []),
  ]);
  return [...new Map(named.map((one) => [keyOf(one), one])).values()].sort(byKey);
}

/** All ways to come about that provisions name, each once. */
export function namedMethods(provisions: readonly Selecting[]): readonly Method[] {
  return methods.filter((method) => provisions.some(({ sources }) => sources?.methods?.includes(method)));
}

/** How much provisions tell apart: each name of a sender or a way may be decided about apart. */
export function countNamed(provisions: readonly Selecting[]): number {
  return namedSources(provisions).length + namedMethods(provisions).length;
}

/** Devices, each once and in one order, so that the same said otherwise is the same. */
export function eachOnce(devices: readonly SourceDevice[]): readonly SourceDevice[] {
  return [...new Map(devices.map((one) => [keyOf(one), one])).values()].sort(byKey);
}

/** Whether all that one provision is about is also what the other one is about, sources apart from all else. */
export function isFromWithin(inner: Selecting, outer: Selecting): boolean {
  const wide = outer.sources;
  if (wide === undefined) return true;
  const senders =
    !namesSender(outer) || (namesSender(inner) && namedSources([inner]).every((one) => names(wide, one)));
  const ways = inner.sources?.methods;
  return (
    senders && (wide.methods === undefined || (ways?.every((one) => wide.methods!.includes(one)) ?? false))
  );
}

/** Whether it is about the data of some alone. */
function namesSender({ sources }: Selecting): boolean {
  return sources !== undefined && sources.organizations.length + (sources.devices?.length ?? 0) > 0;
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
