import type { Contributor } from "../model/contributor.ts";
import { ALWAYS, clip, covers, type Interval, overlaps, unite } from "../model/interval.ts";
import { permitsTelling } from "./masks.ts";
import { type ConsentPermit, type Fineness, isAsFine } from "./permit.ts";

/** A consent that lets data through. */
export interface Letting {
  /** `con_...`; of emergency access `emg_...`. */
  readonly consent: string;
  readonly version: number;
  /** What of the data it lets through, united; empty: all of it. */
  readonly intervals: readonly Interval[];
}

/** More are not told: one is enough to say why the data was sent, and a message has an end. */
export const MOST_LETTING = 16;

/** Under which of the reader's consents the data of one call is sent, as of its last decision about each code. */
export class ConsentNotes {
  readonly #byCode = new Map<string, readonly ConsentPermit[]>();

  note(code: string, permits: readonly ConsentPermit[]): void {
    this.#byCode.set(code, permits);
  }

  /**
   * The consents that let through what is told of one contributor's data within `span`, as fine as `finest`. First those that let
   * through all of it. Empty for a patient's own read.
   */
  of(code: string, contributor: Contributor, span: Interval, finest: Fineness): readonly Letting[] {
    const permits = permitsTelling(this.#byCode.get(code) ?? [], contributor).filter((permit) =>
      isAsFine(permit, finest),
    );
    return lettingOf(permits, span);
  }
}

/** The consents of permits that reach into `span`. */
export function lettingOf(permits: readonly ConsentPermit[], span: Interval): readonly Letting[] {
  const reaching = permits.filter(({ window }) => overlaps(window, span));
  const [first] = reaching;
  if (first === undefined) return [];
  if (reaching.length === 1) return [letting(first, [first], span)];
  const byVersion = Map.groupBy(reaching, ({ consent, version }) => `${consent} ${version}`);
  const all = [...byVersion.values()].map((parts) => letting(parts[0]!, parts, span));
  return [
    ...all.filter(({ intervals }) => intervals.length === 0),
    ...all.filter(({ intervals }) => intervals.length > 0),
  ].slice(0, MOST_LETTING);
}

function letting(
  { consent, version }: ConsentPermit,
  parts: readonly ConsentPermit[],
  span: Interval,
): Letting {
  const windows = parts.length === 1 ? [parts[0]!.window] : unite(parts.map(({ window }) => window));
  return { consent, version, intervals: covers(windows, span) ? [] : clip(windows, span) };
}

/** The consents that let through a record that states these dates; `permitsOf`: of each of its keys, for its contributor. */
export function lettingRecord(
  permitsOf: readonly (readonly ConsentPermit[])[],
  stated: Interval | undefined,
): readonly Letting[] {
  const whole = lettingOf(permitsOf.flat(), stated ?? ALWAYS);
  // A record is told whole or not at all.
  return whole.map(({ consent, version }) => ({ consent, version, intervals: [] }));
}
