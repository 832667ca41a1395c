/** The architecture as rules (STYLE: who may import what). `make check` runs them. */
const only = (name, target, home, comment) => ({
  name,
  comment,
  severity: "error",
  from: { pathNot: [`^${home}`, "^node_modules"] },
  to: { path: target },
});

/** Wings of records: data walks down only. Each may import itself, those named here, and the service's errors. */
const wing = (name, ...below) => ({
  name: `records-${name}-imports-down`,
  comment: `services/records/README.md: the wing ${name} may import ${[name, ...below].join(", ")}.`,
  severity: "error",
  from: { path: `^services/records/src/${name}/` },
  to: {
    path: "^services/records/src/",
    pathNot: `^services/records/src/(errors\\.ts$|(${[name, ...below].join("|")})/)`,
  },
});

/** What is published: the client library, and the packages that are published with it. */
const published = "^(gen/|sdk/(?!conformance/)|packages/(grpc-client|log-verifier|merkle|receipts|series)/)";

module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    { name: "no-unresolved", severity: "error", from: {}, to: { couldNotResolve: true } },
    {
      name: "no-service-imports-a-service",
      comment: "A service calls another's generated client.",
      severity: "error",
      from: { path: "^services/([^/]+)/" },
      to: { path: "^services/", pathNot: "^services/$1/" },
    },
    {
      name: "no-package-imports-a-service",
      severity: "error",
      from: { path: "^packages/" },
      to: { path: "^(services|host|sdk|cli|demo)/" },
    },
    {
      name: "published-stands-alone",
      comment: "A partner installs it: generated code, public libraries, and what is published with it.",
      severity: "error",
      from: { path: published },
      to: {
        path: "^(services|host|cli|demo|test|bench|scripts|packages|proto-internal)/",
        pathNot: published,
      },
    },
    {
      name: "sdk-knows-public-contracts",
      comment: "Contracts between the services of one installation are no partner's.",
      severity: "error",
      from: { path: "^sdk/" },
      to: { path: "^gen/wellapi/internal/" },
    },
    {
      name: "clients-stand-on-the-sdk",
      comment: "The command and the demo call as a partner does: over the published library.",
      severity: "error",
      from: { path: "^(cli|demo)/" },
      to: { path: "^packages/(rpc|access-log|store|vault|events|enforcer)/" },
    },
    {
      name: "services-are-no-clients",
      comment: "A service calls another by `packages/rpc`, as a workload.",
      severity: "error",
      from: { path: "^(services|host)/" },
      to: { path: "^sdk/" },
    },
    {
      name: "clients-do-not-import-services",
      comment: "The command and the demo are clients: they use the wire. Only `start` composes.",
      severity: "error",
      from: { path: "^(cli|demo)/" },
      to: { path: "^services/" },
    },
    {
      name: "a-descriptor-loads-nothing",
      comment:
        "Every process reads every descriptor: `import()` in `compose`, `check` and `mount` brings the code only to who runs it.",
      severity: "error",
      from: { path: "(/descriptor|-surface)\\.ts$" },
      to: { path: "^services/[^/]+/src/(service|check)\\.ts$|(-routes|rest/routes)\\.ts$", dynamic: false },
    },
    {
      name: "records-code-is-in-a-wing",
      comment:
        "Only what composes, configures, checks and names the errors of records stands beside its wings.",
      severity: "error",
      from: {
        path: "^services/records/src/",
        pathNot:
          "^services/records/src/((door|preview|write|read|clinical|exports|lots|gate|compaction|blocks|model)/|(check|config|descriptor|errors|index|service)\\.ts$)",
      },
      to: {},
    },
    wing("door", "write", "read", "clinical", "exports", "lots", "gate", "blocks", "model"),
    wing("preview", "door", "read", "clinical", "lots", "gate", "blocks", "model"),
    wing("write", "gate", "compaction", "blocks", "model"),
    wing("read", "lots", "gate", "blocks", "model"),
    wing("clinical", "write", "gate", "blocks", "model"),
    wing("exports", "gate", "blocks", "model"),
    wing("lots", "blocks", "model"),
    wing("gate", "model"),
    wing("compaction", "blocks", "model"),
    wing("blocks", "model"),
    wing("model"),
    {
      name: "product-does-not-import-scripts",
      comment: "The image holds neither: what the product needs at run time is a package.",
      severity: "error",
      from: { path: "^(packages|services|host|cli|sdk|demo)/" },
      to: { path: "^(scripts|test|bench|mutants)/" },
    },
    {
      name: "domain-is-pure",
      comment: "Proto types stop at convert.ts; domain files import domain files and pure packages.",
      severity: "error",
      from: {
        // `room.ts` composes a room, as `service.ts` composes the service. The gateway has no domain: it forwards the contracts' own messages.
        path: "^services/(?!gateway/)[^/]+/src/",
        pathNot:
          "(handlers|accesses|convert|service|room|descriptor|config|errors|index|main|client|clients)\\.ts$|-(handlers|convert|repository|client|stream|forwarder|surface|room)\\.ts$|/src/(pages|rest)/",
      },
      to: { path: "^gen/|node_modules/@connectrpc" },
    },
    only("grpc-js-in-rpc", "node_modules/@grpc/", "packages/rpc/", "One place knows the wire."),
    only("nats-in-events", "node_modules/@nats-io/", "packages/events/", "One place knows the broker."),
    only(
      "valkey-in-limits",
      "node_modules/iovalkey/",
      "packages/limits/",
      "One place knows the counters' server.",
    ),
    only("mongodb-in-store", "node_modules/mongodb/", "packages/store/", "One place knows the database."),
    only("bson-in-store", "node_modules/bson/", "packages/store/", "BSON stops at the store engine."),
    only(
      "opentelemetry-in-runtime-and-rpc",
      "node_modules/@opentelemetry/",
      "packages/(runtime|rpc)/",
      "Telemetry is central.",
    ),
    only(
      "fastify-in-http",
      "node_modules/(@fastify|fastify)/",
      "(packages/http/|services/.+(surface[a-z-]*[.]ts$|/pages/))",
      "One place knows HTTP's server; a surface adds its routes.",
    ),
    {
      name: "surfaces-in-surface-files",
      comment:
        "Where the rule below finds them: such a file, or the room of a service's pages or of its REST.",
      severity: "error",
      from: {
        path: "^services/(?!gateway/)",
        pathNot: "surface[a-z-]*[.]ts$|^services/[^/]+/src/(pages|rest)/",
      },
      to: { path: "^packages/http/" },
    },
    {
      name: "surfaces-call-through-the-door",
      comment:
        "A surface has no way to a service, a store or the network but the transports of its context. The gateway's carries the RPCs themselves: it is a door.",
      severity: "error",
      from: { path: "^services/(?!gateway/).+(surface[a-z-]*[.]ts$|/src/(pages|rest)/)" },
      to: {
        pathNot: [
          "^packages/http/",
          "^gen/",
          "node_modules/(@connectrpc/connect|@bufbuild/protobuf|fastify|uqr)/",
          "^(node:)?(buffer|crypto|stream|timers/promises|url|util)$",
          "^services/.+surface[a-z-]*[.]ts$",
          "^services/[^/]+/src/(pages|rest)/",
          // What FHIR's REST is made of: pure, or the conversions of its own service.
          "^packages/(fhir-r4|terminology)/",
          "^services/fhir/src/(errors[.]ts$|files/|mapping/|search/)",
          "^web/ui/",
        ],
      },
    },
    {
      name: "pages-in-a-browser-are-clients",
      comment:
        "They call the public contracts as everyone does, and hold nothing that only a server may know.",
      severity: "error",
      from: { path: "^web/((patient|developers|docs)/app|ui/browser)/" },
      to: {
        path: "^(packages|services|host|cli|sdk|demo|test|gen/wellapi/internal)/",
        pathNot: "^packages/(descriptors|log-verifier|merkle|sandbox-people)/",
      },
    },
    {
      name: "sqlite-in-store",
      severity: "error",
      from: { pathNot: "^packages/store/" },
      to: { path: "^(node:)?sqlite$" },
    },
  ],
  options: {
    parser: "swc",
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    // What is built holds the same modules once more.
    exclude: { path: "/test/|^web/[^/]+/dist" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "types", "default"],
      extensions: [".ts", ".tsx", ".js", ".d.ts"],
    },
  },
};
