import type { Message } from "@bufbuild/protobuf";

/**
 * A deep copy of a message, for passing it on without serializing it. Messages are trees of plain objects, arrays,
 * bytes and scalars; arrays of scalars are copied whole, which makes it many times cheaper than the wire format.
 */
export function copyMessage<T extends Message>(message: T): T {
  return copy(message) as T;
}

function copy(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return value.slice();
  if (Array.isArray(value)) {
    return value.length > 0 && typeof value[0] === "object" ? value.map(copy) : value.slice();
  }
  const target = Object.create(Object.getPrototypeOf(value)) as Record<string, unknown>;
  for (const [key, property] of Object.entries(value)) target[key] = copy(property);
  return target;
}
