import { readdirSync } from "node:fs";
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { rpcName } from "@wellapi/descriptors";
import { CliError } from "./failure.ts";

/** The folder of the generated contracts. */
const contracts = new URL("./", import.meta.resolve("@wellapi/gen/wellapi/type/v1/callers_pb")).href.replace(
  "type/v1/",
  "",
);

/** Every public service, by its full name: what is generated of `proto/`, without those of one installation. */
export async function publicServices(): Promise<readonly DescService[]> {
  const files = readdirSync(new URL(contracts), { recursive: true, encoding: "utf8" })
    .filter((path) => /^(?!internal\b)\w+[/\\]v\d+[/\\]\w+_service_pb\.js$/.test(path))
    .sort();
  const modules = await Promise.all(
    files.map((path) => import(new URL(path, contracts).href) as Promise<Record<string, unknown>>),
  );
  return modules.flatMap((module) => Object.values(module).filter(isService));
}

function isService(value: unknown): value is DescService {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "service";
}

/** By its full name, or by `RecordsService/ReadSeries`. Throws CliError `usage`. */
export function findRpc(services: readonly DescService[], name: string): DescMethod {
  const methods = services.flatMap((service) => service.methods);
  const [service = "", method = ""] = name.replace(/^\//, "").split("/");
  const found = methods.filter(
    ({ parent, name: own }) => own === method && (parent.typeName === service || parent.name === service),
  );
  if (found.length === 1) return found[0]!;
  const near = methods.filter((one) => one.name.toLowerCase() === (method || service).toLowerCase());
  const hint =
    near.length === 0 ? "`wellapi explore list` has all of them" : `is it ${near.map(rpcName).join(" or ")}?`;
  throw new CliError("usage", `there is no RPC ${name}: ${hint}`);
}
