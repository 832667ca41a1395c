import type { Dispute } from "@wellapi/enforcer";
import type { Contributor } from "../model/contributor.ts";
import { ALWAYS, clip, covers, type Interval, overlaps, subtract, unite } from "../model/interval.ts";
import { hiding, isUnnamed, naming, permitsTelling } from "./masks.ts";
import type { ConsentPermit } from "./permit.ts";
import { permitsFrom } from "./sources.ts";

interface Noted {
  readonly disputes: readonly Dispute[];
  readonly permits: readonly ConsentPermit[];
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
    this.#byCode.set(code, { disputes, permits });
  }

  /** Whether anything of the code is marked. */
  has(code: string): boolean {
    return this.#byCode.has(code);
  }

  /** The part of `span` whose data is disputed, of one contributor. */
  of(code: string, contributor: Contributor, span: Interval): readonly Interval[] {
    const { disputes = [], permits = [] } = this.#byCode.get(code) ?? {};
    const about = disputes.filter(
      (one) =>
        one.record === undefined &&
        one.organization === contributor.organization &&
        (one.device === undefined ||
          one.device === contributor.device ||
          // What is told without a device is marked where it might be of this one: to leave it unmarked would hide the dispute, and to mark
          // its data alone would tell the device.
          isUnnamed(permits, contributor)),
    );
    if (about.length === 0) return [];
    const theirs = windowsOf(permitsTelling(permits, contributor));
    const marked = about.flatMap((dispute) => {
      const { device = contributor.device } = dispute;
      const windows = device === contributor.device ? theirs : hiddenOf(permits, { ...contributor, device });
      return clip(windows, dispute);
    });
    return clip(unite(marked), span);
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

function windowsOf(permits: readonly ConsentPermit[]): Interval[] {
  return unite(permits.map(({ window }) => window));
}

/** Where the contributor's data is told without its device. */
function hiddenOf(permits: readonly ConsentPermit[], contributor: Contributor): Interval[] {
  const [hidden, told] = [hiding(permits), naming(permits)].map((some) =>
    windowsOf(permitsFrom(some, contributor)),
  );
  return subtract(hidden!, told!);
}
