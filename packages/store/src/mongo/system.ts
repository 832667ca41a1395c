import { type MongoCollection, partitionSchema, strict } from "./schema.ts";

const number = { bsonType: ["int", "long", "double"], multipleOf: 1, minimum: 0 } as const;

/** How long a commit document is kept: far longer than any retry of the commit can last. */
const COMMIT_MEMORY_SECONDS = 3600;

/** The engine's own collections. Their names begin with `_`, which no declared one may. */
export const OUTBOX = "_outbox";
/** The last tick of each partition's events. It puts their positions in commit order. */
export const TAILS = "_outbox_tails";
/** The tick up to which each lane has given ticks out. */
export const LANES = "_outbox_lanes";
/** One document for each commit, in the same transaction: it shows later whether the commit happened. */
export const COMMITS = "_commits";
/** The lease of the process that migrates. */
export const LEASES = "_leases";

export const systemCollections: readonly MongoCollection[] = [
  {
    name: OUTBOX,
    schema: strict({
      _id: number,
      partition: partitionSchema,
      id: { bsonType: "string", minLength: 1 },
      subject: { bsonType: "string", minLength: 1 },
      headers: { bsonType: "object", additionalProperties: { bsonType: "string" } },
      data: { bsonType: "binData" },
    }),
    indexes: [],
    sharded: true,
  },
  {
    name: TAILS,
    schema: strict({ _id: partitionSchema, partition: partitionSchema, tick: number }),
    indexes: [],
    sharded: true,
  },
  {
    name: COMMITS,
    schema: strict({
      _id: { bsonType: "string", minLength: 36 },
      partition: partitionSchema,
      at: { bsonType: "date" },
    }),
    indexes: [
      {
        name: `at_${COMMIT_MEMORY_SECONDS.toString(16).padStart(8, "0")}`,
        declared: "at",
        key: { at: 1 },
        options: { expireAfterSeconds: COMMIT_MEMORY_SECONDS },
      },
    ],
    sharded: true,
  },
  { name: LANES, schema: strict({ _id: number, until: number }), indexes: [], sharded: false },
  {
    name: LEASES,
    schema: strict({
      _id: { bsonType: "string" },
      holder: { bsonType: "string" },
      until: { bsonType: "date" },
    }),
    indexes: [],
    sharded: false,
  },
];
