import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { contentTypes } from "./content-types.ts";

/** A file that a page loads from its own origin. Its name changes with its content, so that it may be kept for ever. */
export interface Asset {
  readonly name: string;
  readonly contentType: string;
  readonly bytes: Buffer;
}

/** `name`: what comes before the digest, for example `ui` in `ui-0123456789abcdef.css`. */
export function createAsset(name: string, kind: keyof typeof contentTypes, bytes: Buffer): Asset {
  const digest = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  return { name: `${name}-${digest}.${kind}`, contentType: contentTypes[kind], bytes };
}

const read = (name: string): Buffer => readFileSync(new URL(name, import.meta.url));

/** The look of every page: tokens, elements, parts, in this order. */
export const stylesheet: Asset = createAsset(
  "ui",
  "css",
  Buffer.concat([read("tokens.css"), read("base.css"), read("parts.css")]),
);

/** The mark, for the head of a page and its tab. */
export const mark: Asset = createAsset("mark", "svg", read("mark.svg"));

/**
 * The one script of server-rendered pages, which a browser's passkeys and its time zone cannot do without: forms say what it does by
 * their `data-` attributes (pages.js).
 */
export const pagesScript: Asset = createAsset("pages", "js", read("pages.js"));
