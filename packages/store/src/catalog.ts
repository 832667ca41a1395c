import { StoreError } from "./errors.ts";
import type { CollectionDeclaration } from "./port.ts";

/** The name that a collection's key has among its indexes. */
export const KEY_INDEX = "key";

/** An index as engines build it. */
export interface IndexShape {
  readonly name: string;
  readonly fields: readonly string[];
  readonly unique: boolean;
  /** The full order of a scan: the fields, then what is left of the key to break ties. */
  readonly order: readonly string[];
}

/** A checked declaration with what engines derive from it. */
export interface CollectionShape {
  readonly name: string;
  readonly key: readonly string[];
  /** Every field that the key or an index names, once, the key first. */
  readonly fields: readonly string[];
  /** By name, the key among them under `KEY_INDEX`, in declared order. */
  readonly indexes: ReadonlyMap<string, IndexShape>;
  readonly version: number;
}

export interface Catalog {
  readonly collections: readonly CollectionShape[];
  /** Throws `invalid` for a collection that was not declared. */
  collection(name: string): CollectionShape;
}

const collectionName = /^[a-z][a-z0-9_]{0,62}$/;
const memberName = /^[A-Za-z][A-Za-z0-9_]{0,62}$/;

/** Checks the declarations as a whole; throws `invalid` naming what is wrong. */
export function createCatalog(declarations: readonly CollectionDeclaration[]): Catalog {
  const shapes = new Map<string, CollectionShape>();
  for (const declaration of declarations) {
    if (shapes.has(declaration.name)) refuse(`collection ${declaration.name} is declared twice`);
    shapes.set(declaration.name, shapeOf(declaration));
  }
  return {
    collections: [...shapes.values()],
    collection(name) {
      return shapes.get(name) ?? refuse(`collection ${name} is not declared`);
    },
  };
}

function shapeOf({ name, key, indexes, version = 1 }: CollectionDeclaration): CollectionShape {
  if (!collectionName.test(name)) refuse(`collection name ${name} is not lower_snake`);
  if (!Number.isSafeInteger(version) || version < 1)
    refuse(`the version of ${name} is not an integer from 1`);
  if (key[0] !== "partition") refuse(`the key of ${name} does not begin with partition`);
  const shapes = new Map<string, IndexShape>();
  const add = (index: string, fields: readonly string[], unique: boolean) => {
    if (!memberName.test(index)) refuse(`index name ${index} of ${name} is not an identifier`);
    if (shapes.has(index)) refuse(`index ${index} of ${name} is declared twice, or is named as the key is`);
    checkFields(`index ${index} of ${name}`, fields);
    const ties = unique ? [] : key.filter((field) => !fields.includes(field));
    shapes.set(index, { name: index, fields, unique, order: [...fields, ...ties] });
  };
  add(KEY_INDEX, key, true);
  for (const index of indexes) add(index.name, index.fields, index.unique ?? false);
  const fields = [...new Set([...shapes.values()].flatMap((index) => index.fields))];
  // SQLite compares column names without case.
  if (new Set(fields.map((field) => field.toLowerCase())).size !== fields.length) {
    refuse(`two indexed fields of ${name} differ only by case`);
  }
  return { name, key, fields, indexes: shapes, version };
}

/** Throws `invalid` where a newer program has written the collection: this one could misread it. */
export function checkVersion(shape: CollectionShape, stored: number): void {
  if (stored <= shape.version) return;
  refuse(
    `the store is newer than this program: ${shape.name} has version ${stored}, and it knows ${shape.version}. Start the newer program, or restore a backup from before the upgrade`,
  );
}

function checkFields(place: string, fields: readonly string[]): void {
  if (fields.length === 0) refuse(`${place} has no field`);
  if (new Set(fields).size !== fields.length) refuse(`${place} names a field twice`);
  for (const field of fields) {
    if (!memberName.test(field)) refuse(`${place}: ${field} is not a top-level field name`);
  }
}

function refuse(message: string): never {
  throw new StoreError("invalid", message);
}
