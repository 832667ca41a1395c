import {
  type DescField,
  type DescFile,
  type DescMethod,
  type DescService,
  getOption,
  hasOption,
} from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import {
  type Deprecation,
  field_deprecation,
  method_deprecation,
  service_deprecation,
} from "@wellapi/gen/wellapi/type/v1/deprecation_pb";

interface Told {
  readonly name: string;
  readonly deprecated: boolean;
  /** Undefined where the contract gives none. */
  readonly terms: Deprecation | undefined;
}

/** What is wrong with what the contracts say of what is to go; each fault as a sentence. */
export function deprecationFaults(files: readonly DescFile[]): readonly string[] {
  const services = files.flatMap((file) => file.services);
  const types = files
    .flatMap((file) => [...nestedTypes(file)])
    .filter(({ kind }) => kind === "message" || kind === "enum");
  const fields = types.flatMap((type) => (type.kind === "message" ? type.fields : []));
  const told = [
    ...services.map(ofService),
    ...services.flatMap(({ methods }) => methods.map(ofMethod)),
    ...fields.map(ofField),
  ];
  const names = new Set(told.map(({ name }) => name));
  // Nothing would tell who uses these.
  const silent = [
    ...files.map(({ name, proto }) => ({ name, options: proto.options })),
    ...types.map(({ typeName, proto }) => ({ name: typeName, options: proto.options })),
    ...types.flatMap((type) =>
      type.kind === "enum"
        ? type.values.map(({ name, proto }) => ({ name: `${type.typeName}.${name}`, options: proto.options }))
        : [],
    ),
  ].filter(({ options }) => options !== undefined && "deprecated" in options && options.deprecated === true);
  return [
    ...silent.map(({ name }) => `${name}: nobody who uses it is told: deprecate its RPCs or fields`),
    ...told.flatMap((one) => faultsOf(one, names)),
  ];
}

function faultsOf({ name, deprecated, terms }: Told, names: ReadonlySet<string>): readonly string[] {
  if (terms === undefined) return deprecated ? [`${name}: no days`] : [];
  const faults = deprecated ? [] : [`${name}: days, but not deprecated`];
  const { since, sunset, instead } = terms;
  for (const day of [since, sunset]) {
    if (!isDay(day)) return [...faults, `${name}: ${JSON.stringify(day)} is no day`];
  }
  if (sunset < aYearAfter(since)) faults.push(`${name}: less than twelve months`);
  if (instead !== "" && !names.has(instead)) faults.push(`${name}: ${instead} does not exist`);
  return faults;
}

function ofService(service: DescService): Told {
  const terms = hasOption(service, service_deprecation) ? getOption(service, service_deprecation) : undefined;
  return { name: service.typeName, deprecated: service.deprecated, terms };
}

function ofMethod(method: DescMethod): Told {
  const terms = hasOption(method, method_deprecation) ? getOption(method, method_deprecation) : undefined;
  return { name: `${method.parent.typeName}.${method.name}`, deprecated: method.deprecated, terms };
}

function ofField(field: DescField): Told {
  const terms = hasOption(field, field_deprecation) ? getOption(field, field_deprecation) : undefined;
  return { name: `${field.parent.typeName}.${field.name}`, deprecated: field.deprecated, terms };
}

function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && new Date(`${text}T00:00:00Z`).toJSON()?.slice(0, 10) === text;
}

function aYearAfter(day: string): string {
  return `${Number(day.slice(0, 4)) + 1}${day.slice(4)}`;
}

/**
 * RPCs of a later version of a package that a table has no line of, though it has one of the same RPC of the version before: the table
 * would say of the later version what it says of any RPC.
 */
export function forgottenVersions(files: readonly DescFile[], table: readonly string[]): readonly string[] {
  const known = new Set(table);
  const exists = new Set(
    files.flatMap(({ services }) =>
      services.flatMap(({ typeName, methods }) => methods.map(({ name }) => `${typeName}/${name}`)),
    ),
  );
  return table.map(laterVersion).filter((name) => exists.has(name) && !known.has(name));
}

/** `wellapi.x.v2.XService/GetX` of `wellapi.x.v1.XService/GetX`. */
function laterVersion(name: string): string {
  return name.replace(/\.v(\d+)\./, (_, version: string) => `.v${Number(version) + 1}.`);
}
