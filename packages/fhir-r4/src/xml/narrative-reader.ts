import type { SaxesTagNS } from "saxes";
import { xhtmlNamespace } from "./narrative.ts";

/**
 * Takes a narrative out of an XML text as JSON has it: a string `<div xmlns="http://www.w3.org/1999/xhtml">…</div>`. It is the
 * text as it stands, where that means the same alone; where it uses a prefix that is declared outside, it is written anew.
 */
export class NarrativeReader {
  /** Elements that are open, from the `div` on. */
  depth = 0;
  readonly #source: string;
  #from = 0;
  #anew: string | undefined;

  constructor(source: string) {
    this.#source = source;
  }

  /** @param position after the tag's `>`, in `source` */
  open(tag: SaxesTagNS, position: number): void {
    this.depth = 1;
    this.#from = this.#source.lastIndexOf("<", position - 1);
    this.#anew = tag.prefix === "" && tag.attributes.xmlns !== undefined ? undefined : "";
    this.#write(tag);
  }

  start(tag: SaxesTagNS): void {
    this.depth++;
    this.#write(tag);
  }

  text(content: string): void {
    if (this.#anew !== undefined) this.#anew += content.replaceAll(/[&<>]/g, reference);
  }

  /** The narrative, where the tag ends it. */
  end(tag: SaxesTagNS, position: number): string | undefined {
    this.depth--;
    if (this.#anew !== undefined) this.#anew += `</${tag.local}>`;
    if (this.depth > 0) return undefined;
    // As every reader of XML does with ends of lines (XML 1.0, 2.11).
    return this.#anew ?? this.#source.slice(this.#from, position).replaceAll(/\r\n?/g, "\n");
  }

  #write(tag: SaxesTagNS): void {
    if (this.#anew === undefined) return;
    const namespace = this.depth === 1 || tag.uri !== xhtmlNamespace ? ` xmlns="${tag.uri}"` : "";
    const attributes = Object.values(tag.attributes)
      .filter(({ prefix, name }) => prefix !== "xmlns" && name !== "xmlns")
      .map(({ name, value }) => ` ${name}="${value.replaceAll(/[&<>"\t\n\r]/g, reference)}"`);
    this.#anew += `<${tag.local}${namespace}${attributes.join("")}>`;
  }
}

function reference(character: string): string {
  return `&#${character.charCodeAt(0)};`;
}
