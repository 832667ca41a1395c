import { SaxesParser } from "saxes";
import type { FhirValue } from "../resource.ts";

export const xhtmlNamespace = "http://www.w3.org/1999/xhtml";

/** What a narrative may hold: the elements and attributes of FHIR R4, 2.4.0 (txt-1). Nothing that runs, embeds or submits. */
const elements = new Set(
  (
    "a abbr acronym b big blockquote br caption center cite code col colgroup dd del dfn div dl dt em font h1 h2 h3 h4 h5 h6 hr i " +
    "img ins kbd li map area ol p pre q samp small span strike strong sub sup table tbody td tfoot th thead tr tt u ul var"
  ).split(" "),
);
const attributes = new Set(
  (
    "abbr accesskey align alink alt axis background bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff " +
    "charset cite class clear color cols colspan compact coords datetime dir face frame headers height href hreflang hspace id lang " +
    "link longdesc name nohref nowrap rel rev rows rowspan rules scope shape size span src start style summary tabindex target " +
    "title type usemap valign value vlink vspace width xml:lang xmlns"
  ).split(" "),
);

/** What links and images may use besides relative addresses; `data` for pictures only. The rest a browser may run. */
const schemes = new Set(["http", "https", "mailto", "tel", "ftp", "urn", "cid"]);

/**
 * What is wrong with the `div` of a narrative; undefined where nothing is. It is one element `div` of XHTML, well-formed, without
 * DOCTYPE, of the elements and attributes that FHIR permits, and not without content (txt-1, txt-2).
 */
export function narrativeFault(value: FhirValue): string | undefined {
  if (typeof value !== "string") return "A narrative is a string, in quotes";
  let fault: string | undefined;
  let content = false;
  let depth = 0;
  const parser = new SaxesParser({ xmlns: true });
  const refuse = (what: string) => {
    fault ??= what;
  };
  parser.on("error", () => refuse("A narrative is well-formed XML, with the entities of XML only"));
  parser.on("doctype", () => refuse("A narrative has no DOCTYPE"));
  parser.on("processinginstruction", () => refuse("A narrative has no processing instructions"));
  parser.on("xmldecl", () => refuse("A narrative starts with <div>"));
  parser.on("opentag", (tag) => {
    if (depth++ === 0 && tag.local !== "div") refuse("A narrative is one element <div>");
    if (tag.local === "img") content = true;
    const element = faultOf(tag.uri, tag.local, Object.values(tag.attributes));
    if (element !== undefined) refuse(element);
  });
  parser.on("closetag", () => {
    depth--;
  });
  const hasText = (text: string) => {
    if (text.trim() !== "") content = true;
    if (depth === 0 && text.trim() !== "") refuse("A narrative is one element <div>");
  };
  parser.on("text", hasText);
  parser.on("cdata", hasText);
  parser.write(value).close();
  if (fault === undefined && !content) return "A narrative has some text or an image (txt-2)";
  return fault;
}

function faultOf(
  uri: string,
  local: string,
  sent: readonly { readonly name: string; readonly prefix: string; readonly value: string }[],
): string | undefined {
  if (uri !== xhtmlNamespace) return `The elements of a narrative are of the namespace ${xhtmlNamespace}`;
  if (!elements.has(local)) return "A narrative has only elements that format text (txt-1)";
  for (const { name, prefix, value } of sent) {
    if (prefix !== "xmlns" && !attributes.has(name))
      return "A narrative has only attributes that format text (txt-1)";
    if ((name === "href" || name === "src") && !isHarmless(value)) {
      return "The links and images of a narrative run nothing (txt-1)";
    }
  }
  return undefined;
}

/** A browser skips spaces and control characters within a scheme, so these are taken out first. */
function isHarmless(address: string): boolean {
  const bare = address.replaceAll(/[\s\p{Cc}]/gu, "");
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(bare)?.[1]?.toLowerCase();
  if (scheme === "data") return /^data:image\/(?:png|jpeg|gif)[;,]/i.test(bare);
  return scheme === undefined || schemes.has(scheme);
}
