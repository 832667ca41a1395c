import { readdirSync, readFileSync } from "node:fs";

/** JSON, as protobuf's JSON has it where it is a message. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What the server does in a call, one step after another. After the last one the call ends without an error. */
export type Step =
  /** Waits until so many requests of the call have come, in all. */
  | { readonly receive: number }
  /** Waits until the client has ended its requests: an exchange never ends a stream before, unless it fails. */
  | { readonly ended: true }
  /** Sends a message. `unknown`: base64 of fields that its contract does not have, yet. */
  | { readonly send: Json; readonly unknown?: string }
  /** Headers of the answer; before its first message. */
  | { readonly headers: { readonly [name: string]: string } }
  /** Answers each request that comes, until the client ends the stream, with a receipt. */
  | { readonly store: "all" }
  /** Ends the call with an error of the exchange. Without a reason: with one that another server would send. */
  | { readonly fail: Failure }
  /** Ends the call's stream (RST_STREAM), by the name of HTTP/2's error code; over HTTP/1.1 the connection. */
  | { readonly reset: "CANCEL" | "INTERNAL_ERROR" | "NO_ERROR" | "REFUSED_STREAM" }
  /** Ends the connection, without a word. */
  | { readonly cut: true }
  /** Takes no further call on the connection (GOAWAY), and goes on with this one. */
  | { readonly goaway: true }
  /** Looks for so many milliseconds whether another request comes, which would be wrong. */
  | { readonly quietMs: number };

export interface Failure {
  /** Of Connect: `unavailable`. */
  readonly code: string;
  readonly reason?: string;
  readonly message?: string;
  readonly retryAfterMs?: number;
  readonly violations?: readonly { field: string; description: string; reason: string }[];
}

/** What the client is told to do; README.md says what each result has. */
export type Task =
  | {
      readonly do: "upload";
      readonly batches: readonly string[];
      readonly window?: number;
      readonly attempts?: number;
      readonly stored?: readonly string[];
    }
  | { readonly do: "read" | "query"; readonly request: Json }
  | { readonly do: "watch"; readonly request: Json; readonly messages: number }
  | { readonly do: "call"; readonly rpc: string; readonly request: Json; readonly attempts: number };

export interface Scenario {
  /** The file's name without its ending. */
  readonly name: string;
  /** What must hold, as a sentence. */
  readonly holds: string;
  /** `door`: gRPC with mutual TLS. `gateway`: Connect over HTTP/1.1. Run over each. */
  readonly over: readonly ("door" | "gateway")[];
  /** What not every library has. `uploads by call`: where no stream of requests goes, a batch is a call of its own. */
  readonly needs?: "uploads by call";
  readonly client: Task;
  /** One script a call that the client makes, in their order. */
  readonly server: readonly { readonly rpc: string; readonly steps: readonly Step[] }[];
  readonly expect: {
    /** The requests of each call; of a message what is named here. */
    readonly requests: readonly (readonly Json[])[];
    /** What the client reports; of an object what is named here. `error` is also compared where it is absent. */
    readonly result: { readonly [key: string]: Json };
  };
}

const folder = new URL("../scenarios/", import.meta.url);

/** All scenarios, by name. */
export function readScenarios(): readonly Scenario[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .sort()
    .map((file) => ({
      name: file.slice(0, -".json".length),
      ...(JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Omit<Scenario, "name">),
    }));
}

/** Where `actual` lacks what `expected` names, a line each. Lists have the same length; objects may have more. */
export function differences(expected: Json, actual: Json | undefined, path: string): string[] {
  const differs = () => [`${path}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`];
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) return differs();
    return expected.flatMap((one, at) => differences(one, actual[at], `${path}[${at}]`));
  }
  if (typeof expected === "object" && expected !== null) {
    if (typeof actual !== "object" || actual === null || Array.isArray(actual)) return differs();
    const found = actual as { readonly [key: string]: Json };
    return Object.entries(expected).flatMap(([key, one]) => differences(one, found[key], `${path}.${key}`));
  }
  return expected === actual ? [] : differs();
}
