import type { DamageReporter } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import type { Terminology } from "@wellapi/terminology";
import type { Vault } from "@wellapi/vault";
import { createHeadCache, type HeadCache } from "../blocks/head-cache.ts";
import type { OpenedLabel } from "./clinical-repository.ts";
import { createOpenedRecords, type OpenedRecords } from "./opened-records.ts";
import { createRecordPlaces, type RecordPlaces, type ScannedPlaces, weighPlaces } from "./record-scan.ts";

/** What reads of clinical records keep between them, with the patients' keys: the same for every reader, who is decided about at each read. */
export interface ClinicalMemory {
  readonly opened: OpenedRecords;
  readonly labels: HeadCache<readonly OpenedLabel[]>;
  readonly places: RecordPlaces;
}

const MIB = 1024 * 1024;
/** Bytes, with its keys. */
const LABEL_BYTES = 500;

export function createClinicalMemory(deps: {
  readonly store: Pick<Store, "scan">;
  readonly vault: Vault;
  readonly damage: DamageReporter;
  readonly terminology: Pick<Terminology, "classify">;
}): ClinicalMemory {
  const { store, vault, damage, terminology } = deps;
  return {
    opened: createOpenedRecords(vault, damage, terminology),
    labels: createHeadCache(vault, {
      name: "clinical-labels",
      budget: MIB,
      weigh: (labels) => LABEL_BYTES * (1 + labels.length),
    }),
    places: createRecordPlaces(
      store,
      createHeadCache<ScannedPlaces>(vault, { name: "clinical-places", budget: 2 * MIB, weigh: weighPlaces }),
    ),
  };
}
