import type { Dispute } from "@wellapi/enforcer";
import { ALWAYS, clip, covers, type Interval, overlaps, unite } from "../model/interval.ts";
import type { ConsentPermit } from "./permit.ts";
import { permitsFrom } from "./sources.ts";

/** Data of one contributor, and perhaps of one device, that the patient disputes. */
interface Mark {
  readonly organization: string;
  /** Internal id; undefined: of any device. */
  readonly device: string | undefined;
  /** What of it the reader may read. */
  readonly intervals: readonly Interval[];
}

interface Noted {
  readonly disputes: readonly Dispute[];
  readonly marks: readonly Mark[];
}

/** A clinical record that is shown; `stated`: the dates that it states. */
export interface DisputableRecord {
  readonly record: string;
  readonly keys: readonly string[];
  readonly organization: string;
  readonly stated: Interval | undefined;
}

/**
 * What the patient disputes of the data of one call, as of its last decision about each code. It says nothing of what the reader may
 * not read.
 */
export class DisputeNotes {
  readonly #byCode = new Map<string, Noted>();

  /** After each decision about a code. Without disputes it costs one look into an empty map. */
  note(
    code: string,
    {
      disputes,
      permits,
    }: { readonly disputes?: readonly Dispute[]; readonly permits: readonly ConsentPermit[] },
  ): void {
    if (disputes === undefined) {
      this.#byCode.delete(code);
      return;
    }
    this.#byCode.set(code, { disputes, marks: disputes.flatMap((dispute) => markOf(dispute, permits)) });
  }

  /** Whether anything of the code is marked. */
  has(code: string): boolean {
    return this.#byCode.has(code);
  }

  /** The part of `span` whose data is disputed, of one contributor's device (internal id; undefined: it named none). */
  of(code: string, organization: string, device: string | undefined, span: Interval): readonly Interval[] {
    const { marks = [] } = this.#byCode.get(code) ?? {};
    const about = marks.filter(
      (mark) => mark.organization === organization && (mark.device === undefined || mark.device === device),
    );
    return about.length === 0 ? [] : clip(unite(about.flatMap(({ intervals }) => intervals)), span);
  }

  /** A record without dates is disputed only where all dates are. */
  isDisputed({ record, keys, organization, stated }: DisputableRecord): boolean {
    return keys.some((key) =>
      this.#byCode.get(key)?.disputes.some((dispute) => {
        if (dispute.organization !== organization || dispute.device !== undefined) return false;
        if (dispute.record !== undefined) return dispute.record === record;
        return stated === undefined ? covers([dispute], ALWAYS) : overlaps(dispute, stated);
      }),
    );
  }
}

function markOf(
  { organization, device, record, ...captured }: Dispute,
  permits: readonly ConsentPermit[],
): Mark[] {
  if (record !== undefined) return [];
  const windows = unite(permitsFrom(permits, organization).map(({ window }) => window));
  return [{ organization, device, intervals: clip(windows, captured) }];
}
