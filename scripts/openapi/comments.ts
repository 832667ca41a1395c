/** The contracts' comments as CommonMark. */
import type { AnyDesc, DescEnum, DescFile } from "@bufbuild/protobuf";
import { getComments } from "@bufbuild/protoplugin";

/** The comment above the element, without the space after `//`; undefined where there is none. */
export function commentOf(desc: Exclude<AnyDesc, DescFile>): string | undefined {
  const { leading } = getComments(desc);
  const text = leading?.replace(/^ /gm, "").trim();
  return text === "" ? undefined : text;
}

/** Parts with an empty line between; undefined where there are none. */
export function paragraphs(...parts: readonly (string | undefined)[]): string | undefined {
  const said = parts.filter((part) => part !== undefined && part !== "");
  return said.length === 0 ? undefined : said.join("\n\n");
}

/** The comment of the enum, and a line for each of its values. */
export function enumComment(desc: DescEnum): string | undefined {
  const values = desc.values.map((value) => {
    const said = commentOf(value)?.replaceAll("\n", " ");
    return said === undefined ? undefined : `- \`${value.name}\`: ${said}`;
  });
  return paragraphs(commentOf(desc), values.filter((line) => line !== undefined).join("\n"));
}
