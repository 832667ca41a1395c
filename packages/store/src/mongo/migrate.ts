import { setTimeout as wait } from "node:timers/promises";
import type { CollectionInfo, Db } from "mongodb";
import { type Catalog, type CollectionShape, checkVersion, KEY_INDEX } from "../catalog.ts";
import { prepareChanges } from "../commit.ts";
import { StoreError } from "../errors.ts";
import { isDuplicateKey, isNamespaceExists } from "./failure.ts";
import { takeLease } from "./lease.ts";
import { isOwnIndexName, type MongoCollection, mongoCollection, shapeDigest, versionOf } from "./schema.ts";
import { type Envelope, envelope, openEnvelope } from "./stored.ts";
import { LEASES, systemCollections } from "./system.ts";

/** A collection as it exists on the server. */
interface Found {
  readonly validator: unknown;
  readonly enforced: boolean;
  readonly indexes: ReadonlyArray<{ readonly name: string; readonly key: object }>;
}

const enforcement = { validationLevel: "strict", validationAction: "error" } as const;

/**
 * Makes the database fit the declarations. Of the processes that open at once, one is elected and migrates; the
 * others wait. Where everything fits, nothing is written. A changed key is refused.
 */
export async function migrate(db: Db, catalog: Catalog): Promise<void> {
  const wanted = [...systemCollections, ...catalog.collections.map(mongoCollection)];
  for (let pause = 20; ; pause = Math.min(pause * 2, 1000)) {
    const found = await inspect(db, wanted);
    for (const shape of catalog.collections) {
      checkVersion(shape, versionOf(found.get(shape.name)?.validator));
      checkSameKey(shape, found.get(shape.name));
    }
    if (wanted.every((collection) => fits(collection, found.get(collection.name)))) return;
    const leases = systemCollections.filter(({ name }) => name === LEASES && !found.has(name));
    for (const collection of leases) await create(db, collection);
    const lease = await takeLease(db, "migration");
    if (!lease) {
      await wait(pause);
      continue;
    }
    try {
      await migrateAll(db, catalog, wanted, lease.lost);
    } finally {
      await lease.release();
    }
  }
}

async function inspect(db: Db, wanted: readonly MongoCollection[]): Promise<Map<string, Found>> {
  const names = wanted.map(({ name }) => name);
  const infos = await db.listCollections<CollectionInfo>({ name: { $in: names } }).toArray();
  const found = new Map<string, Found>();
  for (const { name, options } of infos) {
    const indexes = await db.collection(name).indexes();
    found.set(name, {
      validator: options?.validator,
      enforced: options?.validationLevel === "strict" && options.validationAction === "error",
      indexes: indexes.map(({ name: index = "", key }) => ({ name: index, key })),
    });
  }
  return found;
}

/** Compares names only: an index's name holds a digest of its definition. */
function fits(wanted: MongoCollection, found: Found | undefined): boolean {
  if (!found?.enforced || !sameValidator(wanted, found)) return false;
  return missing(wanted, found).length === 0 && obsolete(wanted, found).length === 0;
}

function sameValidator(wanted: MongoCollection, found: Found): boolean {
  return JSON.stringify(found.validator) === JSON.stringify(validatorOf(wanted));
}

function validatorOf({ schema }: MongoCollection): { $jsonSchema: object } {
  return { $jsonSchema: schema };
}

function missing({ indexes }: MongoCollection, found: Found | undefined) {
  return indexes.filter(({ name }) => !found?.indexes.some((index) => index.name === name));
}

function obsolete({ indexes }: MongoCollection, found: Found): readonly string[] {
  const names = indexes.map(({ name }) => name);
  const present = found.indexes.map(({ name }) => name);
  return present.filter((name) => isOwnIndexName(name) && !names.includes(name));
}

/** The key's index shows what the key was. */
function checkSameKey(shape: CollectionShape, found: Found | undefined): void {
  const was = found?.indexes.find(({ name }) => name.startsWith(`${KEY_INDEX}_`) && isOwnIndexName(name));
  if (!was || Object.keys(was.key).join() === shape.key.join()) return;
  const fields = Object.keys(was.key).join(", ");
  const message = `the key of ${shape.name} was (${fields}) and cannot change: use a new collection`;
  throw new StoreError("invalid", message);
}

/**
 * New validators come first and fence off processes of another version, whose writes have another shape. Then the
 * stored documents change, then new indexes are built, and old ones are dropped last. Each step can be repeated, so
 * the next open completes a migration that was cut short. If a unique index cannot be built, the old validators come
 * back.
 */
async function migrateAll(
  db: Db,
  catalog: Catalog,
  wanted: readonly MongoCollection[],
  lost: AbortSignal,
): Promise<void> {
  const found = await inspect(db, wanted);
  const shards = (await db.admin().command({ hello: 1 })).msg === "isdbgrid";
  const undo: Array<() => Promise<unknown>> = [];
  try {
    for (const collection of wanted) {
      lost.throwIfAborted();
      const before = found.get(collection.name);
      await prepareCollection(db, collection, before, undo);
      const shape = catalog.collections.find(({ name }) => name === collection.name);
      if (shape && before) await backfill(db, catalog, shape, lost);
      await createIndexes(db, collection, before);
      if (shards && collection.sharded) await shard(db, collection);
    }
  } catch (error) {
    // The next open repairs what cannot be put back now.
    for (const step of undo.reverse()) await step().catch(() => undefined);
    throw error;
  }
  for (const collection of wanted) {
    const before = found.get(collection.name);
    if (!before) continue;
    for (const name of obsolete(collection, before)) await db.collection(collection.name).dropIndex(name);
  }
}

async function prepareCollection(
  db: Db,
  collection: MongoCollection,
  before: Found | undefined,
  undo: Array<() => Promise<unknown>>,
): Promise<void> {
  if (!before) return create(db, collection);
  if (before.enforced && sameValidator(collection, before)) return;
  if (before.validator !== undefined) {
    undo.push(() => db.command({ collMod: collection.name, validator: before.validator, ...enforcement }));
  }
  await db.command({ collMod: collection.name, validator: validatorOf(collection), ...enforcement });
}

async function create(db: Db, collection: MongoCollection): Promise<void> {
  try {
    await db.createCollection(collection.name, { validator: validatorOf(collection), ...enforcement });
  } catch (error) {
    if (!isNamespaceExists(error)) throw error;
  }
}

/** Takes the declared fields out of documents that another declaration stored. Their revisions stay. */
async function backfill(db: Db, catalog: Catalog, shape: CollectionShape, lost: AbortSignal): Promise<void> {
  const digest = shapeDigest(shape);
  const collection = db.collection<Envelope>(shape.name);
  for await (const stored of collection.find({ _shape: { $ne: digest } })) {
    lost.throwIfAborted();
    if (!stored._body) {
      throw new StoreError("invalid", `collection ${shape.name} holds documents that are not this store's`);
    }
    const { document } = openEnvelope(stored);
    const change = { kind: "insert" as const, collection: shape.name, document };
    const [prepared] = prepareChanges(catalog, { partition: stored.partition, changes: [change] });
    if (prepared?.kind !== "insert") continue;
    const { _id, partition, _rev, _shape } = stored;
    const next = envelope(shape, digest, prepared.values, prepared.document, _rev);
    // Another process has replaced or deleted it meanwhile, in the new shape.
    await collection.replaceOne({ _id, partition, _rev, _shape }, next);
  }
}

async function createIndexes(db: Db, collection: MongoCollection, before: Found | undefined): Promise<void> {
  for (const { name, declared, key, options } of missing(collection, before)) {
    try {
      await db.collection(collection.name).createIndex(key, { name, ...options });
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      const problem = "cannot be unique: stored documents share a value";
      throw new StoreError("invalid", `index ${declared} of ${collection.name} ${problem}`);
    }
  }
}

/** Ranged, not hashed, so that zones keep a region's partitions on that region's shards. Repeating it is harmless. */
async function shard(db: Db, collection: MongoCollection): Promise<void> {
  const namespace = `${db.databaseName}.${collection.name}`;
  await db.admin().command({ shardCollection: namespace, key: { partition: 1 } });
}
