import { readdirSync, readFileSync } from "node:fs";
import { createFileRegistry, type DescService, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const folder = new URL("../../../releases/", import.meta.url);

/** The services as the last release has them. */
export function releasedServices(names: readonly string[]): readonly DescService[] {
  const versions = readdirSync(folder).sort(new Intl.Collator("en", { numeric: true }).compare);
  const image = readFileSync(new URL(`${versions.at(-1)}/contracts.binpb`, folder));
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, image));
  return names.map((name) => registry.getService(name)!);
}
