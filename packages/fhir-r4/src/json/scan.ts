/** What a look at the brackets and strings of a JSON text tells, before and after it is parsed. */
export interface Shape {
  /** Of arrays and objects within each other. */
  readonly depth: number;
  /** Names of properties in the text, each as often as it is written. */
  readonly names: number;
}

const quote = 0x22;
const backslash = 0x5c;

/**
 * Counts without building anything, so that a text that nests too deeply costs one look. It stops where the depth is passed.
 * Of a text that is no JSON the numbers mean nothing: the parser refuses it.
 */
export function shapeOf(text: string, mostDepth: number): Shape {
  let depth = 0;
  let deepest = 0;
  let names = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote:
        at = endOfString(text, at);
        break;
      case 0x7b: // {
      case 0x5b: // [
        depth++;
        if (depth > deepest) deepest = depth;
        if (deepest > mostDepth) return { depth: deepest, names };
        break;
      case 0x7d: // }
      case 0x5d: // ]
        depth--;
        break;
      case 0x3a: // :
        names++;
        break;
    }
  }
  return { depth: deepest, names };
}

/**
 * Where a name is written for the second time in one object: the index of its quote, and the name. The text is JSON. Undefined
 * where there is none.
 */
export function repeatedName(text: string): { readonly at: number; readonly name: string } | undefined {
  const open: (Set<string> | undefined)[] = [];
  let last = 0;
  for (let at = 0; at < text.length; at++) {
    const one = text[at];
    if (one === '"') {
      last = at;
      at = endOfString(text, at);
    } else if (one === "{") open.push(new Set());
    else if (one === "[") open.push(undefined);
    else if (one === "}" || one === "]") open.pop();
    else if (one === ":") {
      const name = JSON.parse(text.slice(last, endOfString(text, last) + 1)) as string;
      const names = open.at(-1)!;
      if (names.has(name)) return { at: last, name };
      names.add(name);
    }
  }
  return undefined;
}

/** The index of the closing quote; the text's length where there is none. */
function endOfString(text: string, opening: number): number {
  let at = text.indexOf('"', opening + 1);
  while (at !== -1 && isEscaped(text, at)) at = text.indexOf('"', at + 1);
  return at === -1 ? text.length : at;
}

/** A quote after an odd number of backslashes does not end the string. */
function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === backslash) first--;
  return (at - first) % 2 === 1;
}
