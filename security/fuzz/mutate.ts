/** Numbers in [0, 1). */
type Random = () => number;

const mostBytes = 128 * 1024;
const mostSteps = 4;
const mostRepeats = 300;

/** Lengths and numbers at their limits: in binary of each width, as varints, and as decimals. */
const extremes: readonly Uint8Array[] = [
  ...["00", "01", "7f", "80", "ff", "0000", "7fff", "8000", "ffff", "00000000", "7fffffff", "80000000"],
  ...["ffffffff", "0000000000000000", "7fffffffffffffff", "ffffffffffffffff", "001fffffffffffff"],
  ...["ffffffff0f", "ffffffffffffff0f", "ffffffffffffffffff01", "ffffffffffffffffffff7f", "8080808000"],
  ...["ffffffff07", "80808080f8ffffffff01", "feffffff0f", "30846fffffff", "3080"],
]
  .map((hex) => new Uint8Array(Buffer.from(hex, "hex")))
  .concat(
    ["0", "-0", "-1", "9007199254740993", "99999999999999999999", "1e309", "NaN", "__proto__", "constructor"]
      .concat(["\u0000", "\ud83d\ude00", "\u001b[2J", "\r\n", '"', "\\", "{", "[", "(", " "])
      .map((text) => new Uint8Array(Buffer.from(text))),
  );

/** Changes an input in one to four places. The seed of `random` decides how. */
export function mutate(
  random: Random,
  input: Uint8Array,
  others: readonly Uint8Array[],
  words: readonly Uint8Array[],
): Uint8Array {
  const below = (limit: number) => Math.floor(random() * limit);
  const oneOf = <T>(list: readonly T[]): T => list[below(list.length)]!;
  let bytes = input;
  for (let steps = 1 + below(mostSteps); steps > 0; steps--) {
    bytes = step(bytes).slice(0, mostBytes);
  }
  return bytes;

  function step(from: Uint8Array): Uint8Array {
    const at = below(from.length + 1);
    const length = below(Math.min(from.length - at, oneOf([1, 4, 16, 4_096])) + 1);
    const part = from.subarray(at, at + length);
    const put = (put: Uint8Array, instead: number) =>
      Buffer.concat([from.subarray(0, at), put, from.subarray(at + instead)]);
    switch (below(9)) {
      case 0:
        return flipped(from, at, below(8));
      case 1:
        return put(Uint8Array.of(below(256)), 1);
      case 2:
        return from.subarray(0, at);
      case 3:
        return put(new Uint8Array(0), length);
      case 4: {
        const other = oneOf(others);
        const start = below(other.length + 1);
        return put(other.subarray(start), from.length - at);
      }
      case 5:
        return put(Buffer.concat(new Array(1 + below(mostRepeats)).fill(part)), 0);
      case 6: {
        const extreme = oneOf(extremes);
        return put(extreme, oneOf([0, 1, extreme.length]));
      }
      case 7: {
        const word = words.length > 0 ? oneOf(words) : oneOf(extremes);
        return put(word, oneOf([0, length, word.length]));
      }
      default: {
        const other = oneOf(others);
        const start = below(other.length + 1);
        return put(other.subarray(start, start + below(64)), length);
      }
    }
  }
}

function flipped(from: Uint8Array, at: number, bit: number): Uint8Array {
  const bytes = Uint8Array.from(from);
  if (at < bytes.length) bytes[at]! ^= 1 << bit;
  return bytes;
}
