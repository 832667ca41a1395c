import type { ReleaseDocument, ReleasePlace } from "../blocks/documents.ts";
import type { PatientBox } from "../blocks/patient-box.ts";
import { decodeLots, decodeTold, encodeLots, encodeTold, type MonthOfLots } from "./release-codec.ts";
import type { ToldSamples } from "./told-samples.ts";

/** A month of releases as it is stored: its two parts, encoded and sealed. */
export function sealRelease(
  box: PatientBox,
  place: ReleasePlace,
  lots: MonthOfLots,
  told: ToldSamples,
): ReleaseDocument {
  return {
    ...place,
    lots: box.sealRelease(place, "lots", encodeLots(lots)),
    told: box.sealRelease(place, "told", encodeTold(told)),
  };
}

/** Throws VaultError `tampered`, or what the decoder throws. */
export function openLots(box: PatientBox, document: ReleaseDocument): MonthOfLots {
  return decodeLots(document.month, box.openRelease(document, "lots"));
}

/** Throws VaultError `tampered`, or what the decoder throws. */
export function openTold(box: PatientBox, document: ReleaseDocument): ToldSamples {
  return decodeTold(box.openRelease(document, "told"));
}
