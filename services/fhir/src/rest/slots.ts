import { FhirServiceError } from "../errors.ts";

/** Places for requests that cost much, in this process. */
export interface Slots {
  /**
   * Takes a place until `over` aborts. None is taken for a request that is over: then it throws the signal's reason.
   * @throws FhirServiceError BUSY where all are taken
   */
  take(over: AbortSignal): void;
}

/** @param busy what a caller is told where all `most` places are taken */
export function createSlots(most: number, busy: string): Slots {
  let taken = 0;
  return {
    take(over) {
      over.throwIfAborted();
      if (taken >= most) throw new FhirServiceError("BUSY", busy);
      taken++;
      over.addEventListener("abort", () => taken--, { once: true });
    },
  };
}
