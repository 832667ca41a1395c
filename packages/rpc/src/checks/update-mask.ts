import {
  type DescField,
  type DescMessage,
  getOption,
  isFieldSet,
  type MessageShape,
} from "@bufbuild/protobuf";
import type { FieldMask } from "@bufbuild/protobuf/wkt";
import { FieldBehavior, field_behavior } from "@wellapi/gen/google/api/field_behavior_pb";
import type { Problem, ProblemCarrier } from "../problem.ts";
import { invalidFields } from "./validation.ts";

/** An update mask that names what is not there, or cannot be changed. */
export class UpdateMaskError extends Error implements ProblemCarrier {
  override readonly name = "UpdateMaskError";
  readonly problem: Problem;

  constructor(description: string) {
    const problem = invalidFields([{ field: "update_mask", description, reason: "INVALID_FIELD" }]);
    super(problem.message);
    this.problem = problem;
  }
}

const fixed: readonly FieldBehavior[] = [
  FieldBehavior.OUTPUT_ONLY,
  FieldBehavior.IDENTIFIER,
  FieldBehavior.IMMUTABLE,
];

/**
 * The names of the fields that an update changes, by the contract's own `field_behavior` (AIP-134, 161, 203). Without
 * a mask: the fields that are set, except fixed ones. `*`: all that are not fixed. Throws UpdateMaskError for a
 * path that is unknown, lies inside a field, or is fixed.
 */
export function maskedFields<D extends DescMessage>(
  schema: D,
  message: MessageShape<D> | undefined,
  mask: FieldMask | undefined,
): ReadonlySet<string> {
  const changeable = schema.fields.filter(isChangeable);
  const paths = mask?.paths ?? [];
  if (paths.length === 0) {
    return names(changeable.filter((field) => message !== undefined && isFieldSet(message, field)));
  }
  if (paths.includes("*")) {
    if (paths.length > 1) throw new UpdateMaskError("* stands for all fields: send it alone");
    return names(changeable);
  }
  for (const path of paths) check(schema, path, changeable);
  return new Set(paths);
}

function check(schema: DescMessage, path: string, changeable: readonly DescField[]): void {
  if (changeable.some(({ name }) => name === path)) return;
  const shown = JSON.stringify(path.slice(0, 64));
  const can = `what can be changed: ${changeable.map(({ name }) => name).join(", ")}`;
  const [first = "", ...inner] = path.split(".");
  const field = schema.fields.find(({ name }) => name === first);
  if (field === undefined) throw new UpdateMaskError(`there is no field ${shown}; ${can}`);
  if (inner.length > 0 && isChangeable(field)) {
    throw new UpdateMaskError(`${shown} lies inside a field that is replaced as a whole; ${can}`);
  }
  throw new UpdateMaskError(`${shown} can't be changed; ${can}`);
}

function isChangeable(field: DescField): boolean {
  return field.name !== "etag" && !getOption(field, field_behavior).some((found) => fixed.includes(found));
}

function names(fields: readonly DescField[]): ReadonlySet<string> {
  return new Set(fields.map(({ name }) => name));
}
