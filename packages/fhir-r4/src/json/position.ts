/** The place of the character `at` in a text: lines and columns from 1. */
export function positionOf(text: string, at: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, at);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: at - lineStart + 1 };
}

const unexpected = "Unexpected token";

/**
 * Where a text stops to be JSON: the index of the first character that cannot be there, or the text's length where it only
 * ends too soon. V8 tells the index in most messages; where it does not, the shortest beginning that V8 refuses for the same
 * reason ends with that character. The text is no JSON.
 */
export function syntaxErrorAt(text: string): number {
  const message = messageOf(text)!;
  const told = /at position (\d+)/.exec(message);
  if (told) return Number(told[1]);
  if (!message.startsWith(unexpected)) return text.length;
  let accepted = 0;
  let refused = text.length;
  while (refused - accepted > 1) {
    const middle = (accepted + refused) >>> 1;
    if (messageOf(text.slice(0, middle))?.startsWith(unexpected)) refused = middle;
    else accepted = middle;
  }
  return refused - 1;
}

/** What V8 says of a text that is no JSON; it quotes the text, so it goes no further. */
function messageOf(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return (error as SyntaxError).message;
  }
}
