import { createHash } from "node:crypto";
import type { CreateIndexesOptions } from "mongodb";
import { type Catalog, type CollectionShape, type IndexShape, KEY_INDEX } from "../catalog.ts";

/** The layout of envelopes that this code reads and writes. It is part of each collection's shape. */
const LAYOUT = 1;

const VERSION = "version ";

/** The version that a validator was made for. */
export function versionOf(validator: unknown): number {
  const title = (validator as { $jsonSchema?: { title?: unknown } } | undefined)?.$jsonSchema?.title;
  return typeof title === "string" && title.startsWith(VERSION) ? Number(title.slice(VERSION.length)) : 1;
}

export interface MongoIndex {
  readonly name: string;
  readonly declared: string;
  readonly key: Readonly<Record<string, 1>>;
  readonly options: CreateIndexesOptions;
}

export interface JsonSchema {
  /** The collection's version, where it is above 1. */
  readonly title?: string;
  readonly bsonType: "object";
  readonly additionalProperties: false;
  readonly required: readonly string[];
  readonly properties: Readonly<Record<string, object>>;
}

/** A collection as it must be on the server. */
export interface MongoCollection {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly indexes: readonly MongoIndex[];
  /** False where a unique index reaches across partitions, which MongoDB cannot hold on shards. */
  readonly sharded: boolean;
}

/** The strictest schema of the fixed envelope that a JSON schema can say. */
export function strict(properties: Record<string, object>, optional: readonly string[] = []): JsonSchema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { bsonType: "object", additionalProperties: false, required, properties };
}

export const partitionSchema = { bsonType: "string", minLength: 1 } as const;

/** Whole numbers, strings and booleans; the bounds apply to numbers only. */
const indexValueSchema = {
  bsonType: ["string", "bool", "int", "long", "double"],
  multipleOf: 1,
  minimum: Number.MIN_SAFE_INTEGER,
  maximum: Number.MAX_SAFE_INTEGER,
} as const;

/**
 * A name of the fields that are taken out of documents: it changes with the fields, and the validator changes with
 * it.
 */
export function shapeDigest(shape: CollectionShape): string {
  return digest([LAYOUT, shape.key, [...shape.fields].sort()]);
}

/** The collection that a declaration asks for. Pure: every process derives the same one. */
export function mongoCollection(shape: CollectionShape): MongoCollection {
  const fields = [...shape.fields].sort();
  const optional = fields.filter((field) => !shape.key.includes(field));
  const properties = {
    _id: { bsonType: "objectId" },
    ...Object.fromEntries(fields.map((field) => [field, indexValueSchema])),
    partition: partitionSchema,
    _rev: { bsonType: ["int", "long", "double"], multipleOf: 1, minimum: 1 },
    _shape: { enum: [shapeDigest(shape)] },
    _body: { bsonType: "binData" },
  };
  const indexes = new Map([...layoutOf(shape).indexes.values()].map((index) => [index.name, index]));
  return {
    name: shape.name,
    schema: {
      ...(shape.version > 1 && { title: `${VERSION}${shape.version}` }),
      ...strict(properties, optional),
    },
    // One index of MongoDB's may serve several declared ones.
    indexes: [...indexes.values()],
    sharded: [...shape.indexes.values()].every((index) => !index.unique || index.fields[0] === "partition"),
  };
}

/**
 * Named by its definition and not by its declared name: MongoDB refuses one index under two names, and a changed
 * index can stand beside the old one until it is built.
 */
function mongoIndex(shape: CollectionShape, index: IndexShape): MongoIndex {
  const key = Object.fromEntries(index.order.map((field) => [field, 1 as const]));
  const optional = index.fields.filter((field) => !shape.key.includes(field));
  const present = optional.map((field) => [field, { $exists: true }]);
  const options: CreateIndexesOptions = {
    ...(index.unique && { unique: true }),
    ...(present.length > 0 && { partialFilterExpression: Object.fromEntries(present) }),
  };
  const isKey = index.unique && index.order.join() === shape.key.join();
  const words = isKey ? "key" : `by_${index.fields.join("_").slice(0, 60)}`;
  return { name: `${words}_${digest([key, options])}`, declared: index.name, key, options };
}

/** What each operation on a collection needs. */
export interface Layout {
  readonly shape: CollectionShape;
  readonly digest: string;
  /** The index that finds a document by its key. */
  readonly key: MongoIndex;
  /** By their declared names. */
  readonly indexes: ReadonlyMap<string, MongoIndex>;
}

export type Layouts = (collection: string) => Layout;

/** Derives all layouts once. Looking one up throws `invalid` for a collection that was not declared. */
export function createLayouts(catalog: Catalog): Layouts {
  const layouts = new Map(catalog.collections.map((shape) => [shape.name, layoutOf(shape)]));
  return (collection) => layouts.get(collection) ?? layoutOf(catalog.collection(collection));
}

function layoutOf(shape: CollectionShape): Layout {
  const indexes = new Map([...shape.indexes.values()].map((index) => [index.name, mongoIndex(shape, index)]));
  return { shape, digest: shapeDigest(shape), key: indexes.get(KEY_INDEX)!, indexes };
}

/** Whether this code could have given an index that name. */
export function isOwnIndexName(name: string): boolean {
  return /_[0-9a-f]{8}$/.test(name);
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 8);
}
