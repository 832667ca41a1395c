/** Generator of P14: one client that asks too much, with so many calls at a time, until it is told to stop. */

import { Agent, request as httpRequest } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import * as grpc from "@grpc/grpc-js";
import { serveProgram } from "../src/program.ts";
import { openRawClient, rawUnary, type Target } from "../src/raw-client.ts";
import { assertRun } from "../src/result.ts";

export type LoudCall =
  | { readonly door: "grpc"; readonly target: Target; readonly path: string; readonly request: Uint8Array }
  | {
      readonly door: "http";
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    };

export interface LoudOrder {
  readonly call: LoudCall;
  readonly inFlight: number;
  /** Whether the first call must succeed or must not. Absent where earlier ones may have used a budget up. */
  readonly succeeds?: boolean;
}

interface Outcomes {
  /** By status. */
  readonly [status: string]: number;
}

let running:
  | { stop: boolean; readonly done: Promise<void>; readonly outcomes: Record<string, number> }
  | undefined;

function callerOf(call: LoudCall): { once(): Promise<string>; close(): void } {
  if (call.door === "grpc") {
    const client = openRawClient(call.target);
    return {
      once: () =>
        rawUnary(client, call.path, call.request).then(
          () => "OK",
          (error: grpc.ServiceError) => grpc.status[error.code] ?? String(error.code),
        ),
      close: () => client.close(),
    };
  }
  const agent = new Agent({ keepAlive: true });
  const once = () =>
    new Promise<string>((resolve, reject) => {
      const sent = httpRequest(call.url, { method: "POST", agent, headers: call.headers }, (answer) => {
        answer.resume();
        answer.once("end", () => resolve(answer.statusCode === 200 ? "OK" : String(answer.statusCode)));
      });
      sent.once("error", reject);
      sent.end(call.body);
    });
  return { once, close: () => agent.destroy() };
}

const commands = {
  async start({ call, inFlight, succeeds }: LoudOrder): Promise<void> {
    const caller = callerOf(call);
    if (succeeds !== undefined) {
      const first = await caller.once();
      assertRun((first === "OK") === succeeds, `the loud call answers ${first}`);
    }
    const outcomes: Record<string, number> = {};
    const state = { stop: false, outcomes };
    const worker = async () => {
      while (!state.stop) {
        const status = await caller.once();
        outcomes[status] = (outcomes[status] ?? 0) + 1;
      }
    };
    const done = Promise.all(Array.from({ length: inFlight }, worker)).then(() => caller.close());
    running = Object.assign(state, { done });
    await pause(500); // Its connections and the server's caches are warm.
  },
  async stop(): Promise<Outcomes> {
    const { done, outcomes } = running!;
    running!.stop = true;
    await done;
    return outcomes;
  },
};

export type LoudLoad = typeof commands;
serveProgram(commands);
