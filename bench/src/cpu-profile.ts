/** Sums up CPU profiles: `node bench/src/cpu-profile.ts FILE...`. See bench/README.md. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface Cost {
  self: number;
  /** Self and everything called from it; recursion counts once. */
  total: number;
}

const root = fileURLToPath(new URL("../../", import.meta.url));

function placeOf({ functionName, url, lineNumber }: ProfileNode["callFrame"]): string {
  const name = functionName || "(anonymous)";
  if (url === "") return name;
  const path = url.replace("file://", "").replace(root, "").replace("node_modules/", "");
  return `${path}:${lineNumber + 1} ${name}`;
}

/** First match wins. What matches none (Node's own functions) belongs to the area of its caller. */
const areas: readonly (readonly [string, RegExp])[] = [
  ["garbage collection", /^\(garbage collector\)/],
  ["idle", /^\((idle|program)\)/],
  ["modules and start", /^node:internal\/modules|^node:internal\/bootstrap/],
  ["HTTP/2, TLS and sockets", /^node:(internal\/http2|_tls|internal\/tls|net:|internal\/js_stream|_http)/],
  ["grpc-js framing", /@grpc\/grpc-js/],
  ["validation", /@bufbuild\/(protovalidate|cel)|rpc\/src\/(validation|interceptors\/validation)/],
  ["protobuf", /@bufbuild\/protobuf\//],
  ["copy", /rpc\/src\/wire\/copy/],
  ["tokens", /jose\/|rpc\/src\/caller\/|services\/identity\//],
  ["telemetry and logs", /@opentelemetry|pino|interceptors\/telemetry|runtime\/src\/(logger|redaction)/],
  ["connect and interceptors", /@connectrpc|rpc\/src\/|host\/src\/switchboard/],
  ["judge", /services\/ingestion\/|packages\/terminology/],
  ["encode", /packages\/series\/|records\/src\/model\/(provenance|observation\.ts)/],
  ["seal and MACs", /packages\/vault\/|records\/src\/blocks\/patient-box/],
  ["audit leaf path", /packages\/access-log\/|services\/audit\/|packages\/merkle/],
  ["consent", /packages\/enforcer|services\/consent/],
  ["events", /packages\/events/],
  ["store: BSON, SQLite, messages between threads", /bson\/|packages\/store/],
  ["records", /services\/records\//],
];

function areaOf(place: string): string | undefined {
  return areas.find(([, pattern]) => pattern.test(place))?.[0];
}

interface Summary {
  readonly seconds: number;
  readonly byArea: Map<string, number>;
  /** `self` holds what Node's own functions cost that were called from there. */
  readonly byFunction: Map<string, Cost>;
  /** By the project's file that called, with all that it called outside the project. */
  readonly byFile: Map<string, number>;
}

function summarize(profile: Profile): Summary {
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const selfOf = new Map<number, number>();
  for (const [i, id] of profile.samples.entries()) {
    selfOf.set(id, (selfOf.get(id) ?? 0) + (profile.timeDeltas[i] ?? 0));
  }
  const byArea = new Map<string, number>();
  const byFunction = new Map<string, Cost>();
  const byFile = new Map<string, number>();
  const costAt = (place: string): Cost => {
    const cost = byFunction.get(place) ?? { self: 0, total: 0 };
    byFunction.set(place, cost);
    return cost;
  };
  interface Caller {
    readonly area: string;
    readonly place: string;
    readonly file: string;
    readonly above: ReadonlySet<string>;
  }
  const visit = (id: number, caller: Caller): number => {
    const node = byId.get(id)!;
    const own = placeOf(node.callFrame);
    const area = areaOf(own);
    const here = area === undefined ? caller : { area, place: own };
    const file = /^(?:packages|services|host)\/[^:]+/.exec(own)?.[0] ?? caller.file;
    const above = caller.above.has(here.place) ? caller.above : new Set([...caller.above, here.place]);
    const self = selfOf.get(id) ?? 0;
    byArea.set(here.area, (byArea.get(here.area) ?? 0) + self);
    costAt(here.place).self += self;
    if (here.area !== "idle") byFile.set(file, (byFile.get(file) ?? 0) + self);
    const below = { area: here.area, place: here.place, file, above };
    const sum = (node.children ?? []).reduce((time, child) => time + visit(child, below), self);
    if (!caller.above.has(here.place)) costAt(here.place).total += sum;
    return sum;
  };
  const outside = "(outside the project)";
  const top = { area: "Node's own", place: "Node's own", file: outside, above: new Set<string>() };
  const seconds = visit(profile.nodes[0]!.id, top) / 1e6;
  return { seconds, byArea, byFunction, byFile };
}

const shownFunctions = 60;

for (const file of process.argv.slice(2)) {
  const { seconds, byArea, byFunction, byFile } = summarize(
    JSON.parse(readFileSync(file, "utf8")) as Profile,
  );
  const busy = seconds - (byArea.get("idle") ?? 0) / 1e6;
  const percent = (time: number) => `${(time / busy / 1e4).toFixed(1).padStart(5)} %`;
  const lines = [`${file}: ${seconds.toFixed(1)} s, busy ${busy.toFixed(1)} s; shares of the busy time`, ""];
  byArea.delete("idle");
  for (const [area, self] of [...byArea].sort((a, b) => b[1] - a[1])) lines.push(`${percent(self)}  ${area}`);
  lines.push("", "   the project's files, with what they call outside the project");
  for (const [name, time] of [...byFile].sort((a, b) => b[1] - a[1]).slice(0, shownFunctions)) {
    lines.push(`${percent(time)}  ${name}`);
  }
  const functions = [...byFunction].filter(([place]) => /[:(]/.test(place) && areaOf(place) !== "idle");
  for (const order of ["self", "total"] as const) {
    lines.push("", `   self    total, by ${order}`);
    const sorted = functions.toSorted((a, b) => b[1][order] - a[1][order]);
    for (const [place, { self, total }] of sorted.slice(0, shownFunctions)) {
      lines.push(`${percent(self)} ${percent(total)}  ${place}`);
    }
  }
  process.stdout.write(`${lines.join("\n")}\n\n`);
}
