const made = Symbol("made by html");

/** Text that is HTML. Only the tag `html` makes it: of literals of the program, and of values that it has escaped. */
export class Html {
  readonly #text: string;

  constructor(key: typeof made, text: string) {
    if (key !== made) throw new TypeError("only the tag `html` makes Html");
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

/** What may stand in a hole: text, which is escaped; HTML; several of them; nothing. */
export type Hole = string | number | Html | readonly Hole[] | undefined | false;

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * HTML with holes. A value is escaped for text and for attributes in double quotes. @throws TypeError where a hole stands
 * in an attribute without quotes, which no escaping makes safe.
 */
export function html(literals: TemplateStringsArray, ...holes: readonly Hole[]): Html {
  let text = literals[0]!;
  holes.forEach((hole, at) => {
    if (/=\s*$/.test(literals[at]!)) throw new TypeError("an attribute needs its quotes");
    text += filled(hole) + literals[at + 1]!;
  });
  return new Html(made, text);
}

function filled(hole: Hole): string {
  if (hole === undefined || hole === false) return "";
  if (hole instanceof Html) return hole.toString();
  if (typeof hole === "object") return hole.map(filled).join("");
  return String(hole).replaceAll(/[&<>"']/g, (character) => entities[character]!);
}
