/** A part of the code, as globs from the root. */
export interface Room {
  readonly mutate: readonly string[];
  readonly tests: readonly string[];
  /** Runs of the models among the tests that take longer (MODEL_RUNS), where fewer than usual find the same. */
  readonly runs?: number;
}

/**
 * The files that decide something, by room, and the tests that must notice a change in them. A change that only tests
 * of other rooms notice counts as unnoticed: whoever breaks a file should hear it from the tests beside it.
 */
export const rooms: Readonly<Record<string, Room>> = {
  enforcer: {
    mutate: [
      "packages/enforcer/src/{lease,permits,decision-cache,session,session-driver,recall-listeners,waiters,enforcer}.ts",
    ],
    tests: ["packages/enforcer/test/**/*.test.ts"],
  },
  consent: {
    mutate: ["services/consent/src/{consent,granting,revocation}.ts"],
    tests: ["services/consent/test/{consent-domain,changes}.test.ts"],
  },
  sessions: {
    mutate: ["services/consent/src/{recall,session-repository,session-streams}.ts"],
    tests: ["services/consent/test/{recall,session-repository,session-streams}.test.ts"],
  },
  provisions: {
    mutate: ["services/consent/src/{decision,scope,understanding,terms-convert}.ts"],
    tests: ["services/consent/test/{decision,scope,provision-table,provisions.model,terms-convert}.test.ts"],
  },
  vault: {
    mutate: [
      "packages/vault/src/{derivation,key-cache,key-repository,local-kms,pairwise,patient-key,sealed-box,vault}.ts",
      "packages/receipts/src/*.ts",
    ],
    tests: ["packages/{vault,receipts}/test/**/*.test.ts"],
  },
  "access-log": {
    mutate: ["packages/access-log/src/{access-log,leaf,leaf-sealer,reserve}.ts"],
    tests: ["packages/access-log/test/{access-log,check,leaf,leaf-sealer,reserve}.test.ts"],
  },
  drain: {
    mutate: ["packages/access-log/src/{drain,leaf-delivery,reserve-import}.ts"],
    tests: ["packages/access-log/test/drain-steps.test.ts"],
  },
  "log-verifier": {
    mutate: ["packages/log-verifier/src/{commitment,succession,verify}.ts"],
    tests: ["packages/log-verifier/test/**/*.test.ts", "packages/access-log/test/leaf-sealer.test.ts"],
  },
  series: {
    mutate: ["packages/series/src/{aggregate,cover,slice,stack}.ts"],
    tests: ["packages/series/test/**/*.test.ts"],
  },
  merkle: {
    mutate: ["packages/merkle/src/{checkpoint,frontier,note,proof,subtree,tree-hash,verify}.ts"],
    tests: ["packages/merkle/test/**/*.test.ts"],
  },
  store: {
    mutate: [
      "packages/store/src/{commit,scan}.ts",
      "packages/store/src/sqlite/{read,write,scrub,tidying}.ts",
    ],
    tests: ["packages/store/test/**/*.test.ts"],
  },
  connection: {
    mutate: ["packages/store/src/sqlite/connection.ts"],
    tests: ["packages/store/test/sqlite-connection.test.ts"],
  },
  judging: {
    mutate: ["services/records/src/{gate/{contribution,permit},write/judgement}.ts"],
    tests: ["services/records/test/{judgement,domain,acceptance}.test.ts"],
  },
  gate: {
    mutate: ["services/records/src/gate/{gate,reading}.ts"],
    tests: [
      "services/records/test/{answers-in-flight,data-policy,emergency,entries,fair-reads,observation,reading,token-scope}.test.ts",
    ],
  },
  writing: {
    mutate: [
      "services/records/src/{blocks/head,write/{acceptance,batch-writes,erasure,receipt,retraction}}.ts",
    ],
    tests: ["services/records/test/{acceptance,batch-writes,compaction-plan,receipt,retraction}.test.ts"],
  },
  committing: {
    mutate: [
      "services/records/src/write/{append,append-group,append-repository,retract,retraction-repository}.ts",
    ],
    tests: ["services/records/test/{append,append-groups,retract}.test.ts"],
  },
  erasing: {
    mutate: ["services/records/src/write/{erase,erasure-repository}.ts"],
    tests: ["services/records/test/{erase,erase-steps}.test.ts"],
  },
  blocks: {
    mutate: [
      "services/records/src/{model/rank,blocks/{winners,committed-samples,summary},compaction/{compaction,compaction-plan},read/rollup}.ts",
    ],
    tests: [
      "services/records/test/{committed-samples,winners,rollup,rollup-plan,blocks,compaction-plan}.test.ts",
    ],
    runs: 200,
  },
  compactor: {
    mutate: ["services/records/src/compaction/{compaction-pass,compaction-repository,compactor}.ts"],
    tests: ["services/records/test/compactor.test.ts"],
  },
  lots: {
    mutate: [
      "services/records/src/{blocks/as-of,lots/{lots,release,told-samples,told-buckets,exact-sum}}.ts",
    ],
    tests: [
      "services/records/test/{lots,lots-rule,release-rules,told-samples,told-buckets,exact-sum,as-of}.test.ts",
    ],
    runs: 300,
  },
  releases: {
    mutate: ["services/records/src/lots/releases.ts"],
    tests: ["services/records/test/{releases,releases-months,release-store}.test.ts"],
  },
  aggregation: {
    mutate: ["services/records/src/{read/aggregation,model/buckets}.ts"],
    tests: ["services/records/test/aggregation*.test.ts"],
  },
  "aggregate-series": {
    mutate: [
      "services/records/src/read/aggregates/aggregate-series.ts",
      "services/records/src/read/aggregates/series-aggregates.ts",
    ],
    tests: ["services/records/test/aggregate*.test.ts"],
  },
};
