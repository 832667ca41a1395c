import { Marked, Renderer, type RendererObject, type TokenizerObject } from "marked";
import { escaped, textOf } from "./html.ts";

export interface Markdown {
  /** A whole page, or a part of one whose headings are unlike those of the other parts. */
  render(markdown: string): string;
}

export interface MarkdownOptions {
  /** Where a link leads; undefined: nowhere that is served, so its text alone is shown. */
  readonly target: (href: string) => string | undefined;
  /** Where a picture is served; undefined: nowhere, so its description alone is shown. None is unless given. */
  readonly picture?: (href: string) => string | undefined;
  /** Where words in capitals lead, such as reasons. None unless given. */
  readonly words?: ReadonlyMap<string, string>;
}

/**
 * CommonMark with GFM's tables. HTML in it is text, but for comments, which say nothing, and `<br>`, for which a table has no other
 * form.
 */
export function createMarkdown({ target, picture, words = new Map() }: MarkdownOptions): Markdown {
  let taken = new Map<string, number>();
  const renderer: RendererObject = {
    heading({ tokens, depth }) {
      const html = this.parser.parseInline(tokens);
      const slug = slugOf(textOf(html));
      const before = taken.get(slug) ?? 0;
      taken.set(slug, before + 1);
      const id = before === 0 ? slug : `${slug}-${before}`;
      return `<h${depth} id="${escaped(id)}">${html}</h${depth}>\n`;
    },
    code: ({ text }) => codeBlock(text),
    table(token) {
      return scrolling(Renderer.prototype.table.call(this, token));
    },
    tablecell(token) {
      const cell = Renderer.prototype.tablecell.call(this, token);
      return token.header && token.text.trim() === "" ? "<td></td>\n" : cell;
    },
    link({ href, tokens }) {
      const to = target(href);
      const html = this.parser.parseInline(tokens);
      return to === undefined ? html : `<a href="${escaped(to)}">${html}</a>`;
    },
    image({ href, text }) {
      const source = picture?.(href);
      return source === undefined ? escaped(text) : `<img src="${escaped(source)}" alt="${escaped(text)}">`;
    },
    text(token) {
      const html = Renderer.prototype.text.call(this, token);
      if ("tokens" in token && token.tokens !== undefined) return html;
      return html.replaceAll(/\b[A-Z]+(?:_[A-Z]+)+\b/g, (word: string) =>
        words.has(word) ? `<a href="${words.get(word)}">${word}</a>` : word,
      );
    },
    codespan({ text }) {
      const html = `<code>${escaped(text)}</code>`;
      return words.has(text) ? `<a href="${words.get(text)}">${html}</a>` : html;
    },
  };
  const marked = new Marked({ gfm: true, renderer, tokenizer: withoutHtml });
  return {
    render(markdown) {
      taken = new Map();
      return marked.parse(markdown, { async: false });
    },
  };
}

const withoutHtml: TokenizerObject = {
  html(source) {
    const comment = /^ {0,3}<!--[\s\S]*?-->[ \t]*(?:\n+|$)/.exec(source);
    // `undefined` is "no token here", as the library has it: what else looks like HTML is text of a paragraph.
    return comment === null ? undefined : ({ type: "space", raw: comment[0] } as never);
  },
  tag(source) {
    return source.startsWith("<br>") ? ({ type: "br", raw: "<br>" } as never) : undefined;
  },
};

/** As GitHub makes the ids of headings, so that one link leads to the same place there and here. */
function slugOf(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(/\s/g, "-");
}

/** What is wider than the page scrolls by itself; who has no pointer scrolls it with the keyboard. */
export function scrolling(table: string): string {
  return `<div class="scrolling" role="group" aria-label="Table" tabindex="0">${table}</div>\n`;
}

function codeBlock(text: string): string {
  return `<pre tabindex="0"><code>${escaped(text)}\n</code></pre>\n`;
}
