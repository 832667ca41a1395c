/** Comments of the fields of requests, for programs that show a form of any RPC: descriptors at run time have none. */
import type { DescMessage, DescService } from "@bufbuild/protobuf";
import { isPublic } from "../../packages/rpc/src/caller/callers.ts";
import { commentOf } from "./comments.ts";

/** By `<message>.<field in JSON>`, sorted; undefined where none of the services is public. */
export function fieldComments(
  services: readonly DescService[],
): Readonly<Record<string, string>> | undefined {
  const told = services.filter(isPublic);
  if (told.length === 0) return undefined;
  const messages = new Set<DescMessage>();
  for (const { methods } of told) for (const { input } of methods) collect(input, messages);
  const comments = [...messages].flatMap(({ typeName, fields }) =>
    fields.map((field) => [`${typeName}.${field.jsonName}`, oneLine(commentOf(field))] as const),
  );
  return Object.fromEntries(comments.filter(([, said]) => said !== "").sort(([a], [b]) => (a < b ? -1 : 1)));
}

function collect(message: DescMessage, found: Set<DescMessage>): void {
  if (found.has(message) || message.typeName.startsWith("google.")) return;
  found.add(message);
  for (const field of message.fields) if (field.message !== undefined) collect(field.message, found);
}

function oneLine(comment = ""): string {
  return comment.replaceAll(/\s*\n\s*/g, " ");
}
