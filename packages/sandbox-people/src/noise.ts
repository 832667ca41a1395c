import { shake256 } from "@noble/hashes/sha3.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";

/** Chance that is the same at each run: an endless sequence of numbers, decided by the words that it was made with. */
export interface Noise {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Uniform in [from, to). */
  between(from: number, to: number): number;
  /** Normal, with mean 0 and standard deviation 1. */
  normal(): number;
}

const numbersInBlock = 256;

/** SHAKE256 (FIPS 202) of the words: what one person does on one day does not depend on what was asked before. */
export function createNoise(...words: readonly (string | number)[]): Noise {
  const key = JSON.stringify(words);
  let block = new DataView(new ArrayBuffer(0));
  let blocks = 0;
  let at = 0;

  function uniform(): number {
    if (at >= block.byteLength) {
      // Not Node's: browsers make these people, too, and theirs has no SHAKE.
      const bytes = shake256(utf8ToBytes(`${blocks} ${key}`), { dkLen: 4 * numbersInBlock });
      block = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      blocks += 1;
      at = 0;
    }
    at += 4;
    return block.getUint32(at - 4) / 2 ** 32;
  }
  return {
    uniform,
    between: (from, to) => from + (to - from) * uniform(),
    // Box and Muller, 1958. 1 - u is never 0.
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  };
}
