import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Observation, ObservationSchema } from "@wellapi/gen/wellapi/type/v1/observation_pb";
import { gather, type SeriesInit } from "./gather.ts";
import type { Item, Note, Problem } from "./item.ts";
import { type Concept, conceptOf, type Point } from "./point.ts";

export type ObservationInit = Exclude<MessageInitShape<typeof ObservationSchema>, Observation>;

/** What reading a document found. */
export interface Findings {
  /** A measurement that becomes a sample. */
  point(point: Point): void;
  /** A measurement that becomes a record of its own. */
  observation(path: string, code: Concept, observation: ObservationInit): void;
  /** A measurement that can't be taken. */
  refuse(path: string, reason: string, description: string): void;
  note(kind: Note["kind"], path: string, reason: string): void;
}

export interface Found {
  readonly series: readonly SeriesInit[];
  readonly observations: readonly ObservationInit[];
  readonly items: readonly Item[];
  readonly notes: readonly Note[];
}

/** Most fields that notes name; the sender of a document can invent as many names as it has room for. */
const MOST_NOTES = 200;
const MOST_PATH = 200;

/** @param judge what is wrong with a point, whatever vendor it is from */
export function createFindings(judge: (point: Point) => Problem | undefined) {
  const entries: (
    | Item
    | Point
    | { readonly path: string; readonly code: Concept; readonly observed: number }
  )[] = [];
  const observations: ObservationInit[] = [];
  const notes = new Map<string, Note>();

  function note(kind: Note["kind"], path: string, reason: string): void {
    const pattern = path.replaceAll(/\[\d+\]/g, "[]").slice(0, MOST_PATH);
    const key = JSON.stringify([kind, pattern, reason]);
    const known = notes.get(key);
    if (known !== undefined) notes.set(key, { ...known, count: known.count + 1 });
    else if (notes.size < MOST_NOTES) notes.set(key, { kind, path: pattern, count: 1, reason });
  }

  const findings: Findings & { found(): Found } = {
    point(point) {
      const problem = judge(point);
      entries.push(problem === undefined ? point : { path: point.path, problem });
    },
    observation(path, code, observation) {
      entries.push({ path, code, observed: observations.length });
      observations.push(observation);
    },
    refuse(path, reason, description) {
      entries.push({ path, problem: { field: path, reason, description } });
    },
    note,
    found() {
      const { series, placeOf } = gather(entries.filter((entry) => "value" in entry));
      const items = entries.map((entry): Item => {
        if ("problem" in entry || "place" in entry) return entry;
        const { path } = entry;
        if ("observed" in entry) {
          return { path, code: entry.code, place: { kind: "observations", index: entry.observed } };
        }
        const index = placeOf.get(entry);
        if (index === undefined) return { path, problem: { field: path, ...contradicted } };
        return { path, code: conceptOf(entry), place: { kind: "series", index } };
      });
      return { series, observations, items, notes: [...notes.values()] };
    },
  };
  return findings;
}

const contradicted = {
  reason: "TIME_REPEATED",
  description: "another value of this time stands before it: send the one that counts",
};
