/** The contracts as their generated descriptors say them. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  type DescField,
  type DescFile,
  type DescMessage,
  type DescMethod,
  getOption,
} from "@bufbuild/protobuf";
import { resource_reference } from "@wellapi/gen/google/api/resource_pb";

const gen = new URL("../../gen/wellapi/", import.meta.url);

/** Every file of our own contracts. */
export async function contractFiles(): Promise<readonly DescFile[]> {
  const paths = readdirSync(gen, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith("_pb.js"),
  );
  const modules = await Promise.all(
    paths.sort().map((path) => import(fileURLToPath(new URL(path, gen))) as Promise<Record<string, unknown>>),
  );
  return modules.flatMap((module) => Object.values(module).filter(isFile));
}

/** Those that partners get. */
export async function publicFiles(): Promise<readonly DescFile[]> {
  return (await contractFiles()).filter(({ proto }) => !proto.package.startsWith("wellapi.internal."));
}

export function methodsOf(files: readonly DescFile[]): readonly DescMethod[] {
  return files.flatMap((file) => file.services.flatMap((service) => service.methods));
}

/** The message and all that it holds, at any depth, each once; well-known types are not entered. */
export function messagesBelow(
  message: DescMessage,
  found = new Set<DescMessage>(),
): ReadonlySet<DescMessage> {
  if (found.has(message) || message.typeName.startsWith("google.")) return found;
  found.add(message);
  for (const field of message.fields) if (field.message !== undefined) messagesBelow(field.message, found);
  return found;
}

/** `wellapi.dev/Patient` of a field that holds a patient's id; "" of a field that names no resource. */
export function referenceOf(field: DescField): string {
  return getOption(field, resource_reference).type;
}

function isFile(value: unknown): value is DescFile {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "file";
}
