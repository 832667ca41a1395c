import { EventEmitter } from "node:events";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { vi } from "vitest";
import type { WorkerOptions } from "../src/sqlite/protocol.ts";
import { describeStoreContract } from "./contract.ts";
import { openSqliteUnderTest } from "./store-under-test.ts";

// The whole engine in the test's own thread, where `make mutants` can change what runs in the worker.

const started = vi.hoisted(() => ({ port: undefined as unknown, data: undefined as unknown }));

/** What the store uses of a worker, over the same kind of messages. */
class WorkerInThread extends EventEmitter {
  readonly #port: MessagePort;

  constructor(_: URL, { workerData }: { readonly workerData: WorkerOptions }) {
    super();
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.on("message", (message) => this.emit("message", message));
    port1.on("close", () => this.emit("exit", 0));
    starting = starting.then(() => {
      Object.assign(started, { port: port2, data: structuredClone(workerData) });
      vi.resetModules();
      return import("../src/sqlite/worker.ts");
    });
    starting.catch((error: unknown) => this.emit("error", error));
  }

  postMessage(message: unknown, transfer: ArrayBuffer[]): void {
    this.#port.postMessage(message, transfer);
  }
}

let starting: Promise<unknown> = Promise.resolve();

vi.mock("node:worker_threads", async (original) => ({
  ...(await original<object>()),
  get Worker() {
    return WorkerInThread;
  },
  get parentPort() {
    return started.port;
  },
  get workerData() {
    return started.data;
  },
}));

describeStoreContract("sqlite in one thread", openSqliteUnderTest);
