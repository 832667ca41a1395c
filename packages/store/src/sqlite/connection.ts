import { once } from "node:events";
import { MessageChannel, MessagePort, Worker } from "node:worker_threads";
import { StoreError } from "../errors.ts";
import type { Answers, Failure, Numbered, Request, WorkerMessage, WorkerOptions } from "./protocol.ts";

/** Numbers requests to a worker and matches the answers. */
export interface Connection {
  /** Rejects with the worker's failure, or with `unavailable` where the worker is gone. */
  call<K extends Request["kind"]>(
    request: Request & { readonly kind: K },
    transfer?: readonly ArrayBuffer[],
  ): Promise<Answers[K]>;
  /** Resolves once the worker has stopped. */
  readonly stopped: Promise<void>;
}

interface Pending {
  resolve(answer: unknown): void;
  reject(error: StoreError): void;
}

/** A thread of its own, which ends with the store. */
export function startWorker(options: WorkerOptions): Worker {
  // The parent's flags are not passed on: some, such as --input-type, keep a worker from loading.
  return new Worker(new URL("./worker.ts", import.meta.url), {
    workerData: options,
    name: "store",
    execArgv: [],
  });
}

/** What a thread of several stores is told of one of them. */
export interface StoreToServe {
  readonly options: WorkerOptions;
  readonly port: MessagePort;
}

interface SharedThread {
  readonly worker: Worker;
  /** How many it serves. */
  stores: number;
}

let shared: SharedThread | undefined;

/** The same in one thread for all stores of the process that are opened so; it ends with the last of them. */
export function serveShared(options: WorkerOptions): { readonly port: MessagePort; readonly thread: Worker } {
  shared ??= startSharedThread();
  const thread = shared;
  const { port1, port2 } = new MessageChannel();
  thread.stores += 1;
  port2.once("close", () => {
    thread.stores -= 1;
    if (thread.stores > 0) return;
    if (shared === thread) shared = undefined;
    void thread.worker.terminate();
  });
  thread.worker.postMessage({ options, port: port1 } satisfies StoreToServe, [port1]);
  return { port: port2, thread: thread.worker };
}

function startSharedThread(): SharedThread {
  const worker = new Worker(new URL("./shared-worker.ts", import.meta.url), { name: "stores", execArgv: [] });
  worker.unref(); // Its stores' ports keep the process, and each store hears of a crash.
  const thread = { worker, stores: 0 };
  worker.on("error", () => {
    if (shared === thread) shared = undefined;
  });
  return thread;
}

/** The same by the same messages, in the caller's thread. */
export async function serveHere(options: WorkerOptions): Promise<MessagePort> {
  // Only here: a program whose stores have threads needs no engine of its own.
  const { serveStore } = await import("./serve.ts");
  const { port1, port2 } = new MessageChannel();
  void serveStore(port1, options);
  return port2;
}

/**
 * Waits until the worker is ready. If it crashes, every open and later call fails with `unavailable`.
 *
 * @param thread in which the worker's end of a port is served; its crash is the worker's
 */
export async function openConnection(
  worker: Worker | MessagePort,
  thread: Worker | MessagePort = worker,
): Promise<Connection> {
  const pending = new Map<number, Pending>();
  let lastId = 0;
  // Requests of one turn of the event loop go in one message: a message costs more than its content.
  let outgoing: Numbered[] = [];
  let transfers: ArrayBuffer[] = [];

  const flush = () => {
    const requests = outgoing;
    const moved = transfers;
    outgoing = [];
    transfers = [];
    if (!gone) worker.postMessage(requests, moved);
  };
  let gone: StoreError | undefined;
  const opening = Promise.withResolvers<void>();

  const fail = (error: StoreError) => {
    gone ??= error;
    opening.reject(gone);
    for (const call of pending.values()) call.reject(gone);
    pending.clear();
  };

  worker.on("message", (message: WorkerMessage) => {
    if (message.kind === "opened") return opening.resolve();
    if (message.kind === "refused") return fail(toError(message.failure));
    for (const reply of message.replies) {
      const call = pending.get(reply.id);
      pending.delete(reply.id);
      if ("failure" in reply) call?.reject(toError(reply.failure));
      else call?.resolve(reply.answer);
    }
  });
  thread.on("error", (cause) => fail(new StoreError("unavailable", "the store's worker crashed", { cause })));
  const stopped = (worker instanceof MessagePort ? once(worker, "close") : once(worker, "exit")).then(
    () => fail(new StoreError("unavailable", "the store's worker has stopped")),
    // `once` rejects on an error event, which is handled above.
    () => undefined,
  );

  await opening.promise;
  return {
    stopped,
    call(request, transfer = []) {
      if (gone) return Promise.reject(gone);
      lastId += 1;
      const id = lastId;
      const { promise, resolve, reject } = Promise.withResolvers<never>();
      pending.set(id, { resolve: resolve as (answer: unknown) => void, reject });
      if (outgoing.length === 0) setImmediate(flush);
      outgoing.push({ id, request });
      transfers.push(...transfer);
      return promise;
    },
  };
}

function toError({ code, message, full = false }: Failure): StoreError {
  return new StoreError(code, message, { full });
}
