import type { Message } from "@bufbuild/protobuf";

/**
 * A deep copy of a message, for passing it on without serializing it. Messages are trees of plain objects, arrays,
 * bytes and scalars; arrays of scalars are copied whole, which makes it many times cheaper than the wire format.
 */
export function copyMessage<T extends Message>(message: T): T {
  return copy(message) as T;
}

function copy(value: object): object {
  // Not the value's own `slice`: a Buffer's shares the memory.
  if (value instanceof Uint8Array) return Uint8Array.prototype.slice.call(value);
  if (Array.isArray(value)) {
    return value.length > 0 && typeof value[0] === "object" ? value.map(copy) : value.slice();
  }
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype) return copyWithPrototype(value, prototype);
  // A spread and `for in` keep to the shapes that V8 knows, at a quarter of the cost of keys one by one.
  const target = { ...value } as Record<string, unknown>;
  for (const key in target) {
    const property = target[key];
    if (typeof property === "object" && property !== null) target[key] = copy(property);
  }
  return target;
}

/** Messages with field presence hold their defaults in a prototype. */
function copyWithPrototype(value: object, prototype: object | null): object {
  const target = Object.create(prototype) as Record<string, unknown>;
  for (const [key, property] of Object.entries(value)) {
    target[key] = typeof property === "object" && property !== null ? copy(property) : property;
  }
  return target;
}
