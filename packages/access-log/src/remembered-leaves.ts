import type { LeafSealer } from "./leaf-sealer.ts";

/** Some hundred milliseconds of a busy process. One that was never stored is forgotten when so many others have come. */
const mostLeaves = 1_000;
/** Nearly all have a few hundred. What is remembered is at most 4 MB: each in clear and sealed. */
const mostBytes = 2_048;

interface Sealed {
  readonly sealed: Uint8Array;
  readonly plaintext: Uint8Array;
}

/**
 * The sealer, which remembers what it sealed of late: most leaves go to audit in the next moment, by the process that made them.
 * What is stored is still what counts: bytes that are not those that were sealed for this place are opened.
 */
export function rememberSealed(sealer: LeafSealer): LeafSealer {
  const remembered = new Map<string, Sealed>();

  return {
    seal(partition, id, plaintext) {
      const sealed = sealer.seal(partition, id, plaintext);
      if (plaintext.length <= mostBytes) {
        if (remembered.size >= mostLeaves) remembered.delete(remembered.keys().next().value!);
        remembered.set(placeOf(partition, id), { sealed, plaintext });
      }
      return sealed;
    },
    open(partition, id, sealed) {
      const place = placeOf(partition, id);
      const known = remembered.get(place);
      remembered.delete(place);
      if (known !== undefined && Buffer.compare(known.sealed, sealed) === 0) return known.plaintext;
      return sealer.open(partition, id, sealed);
    },
  };
}

/** Ids have no spaces. */
function placeOf(partition: string, id: string): string {
  return `${id} ${partition}`;
}
