import type { DatabaseSync } from "node:sqlite";
import type { MessagePort } from "node:worker_threads";
import { createCatalog } from "../catalog.ts";
import { unpackCommit } from "./commit-wire.ts";
import { copyDatabase } from "./copy.ts";
import { openDatabase } from "./database.ts";
import { toFailure } from "./failure.ts";
import type {
  Numbered,
  PackedCommit,
  ReadRequest,
  Reply,
  Request,
  WireCommit,
  WorkerMessage,
  WorkerOptions,
  WriteRequest,
} from "./protocol.ts";
import { read } from "./read.ts";
import { createRoom, keepReserve } from "./room.ts";
import { migrate } from "./schema.ts";
import { scrubDatabase } from "./scrub.ts";
import { createStatements } from "./statements.ts";
import { createTidying } from "./tidying.ts";
import { mayUseReserve, type WriteOutcome, writeGroup } from "./write.ts";

/** Bounds how long reads wait behind one group of commits. */
const MAX_GROUP = 512;
/** A larger buffer is moved to the other thread; a smaller one is cheaper to copy. */
const TRANSFER_BYTES = 64 * 1024;

/** A request with its commit unpacked. */
interface Task {
  readonly id: number;
  readonly request: Exclude<Request, PackedCommit> | WireCommit;
}

type Send = (message: WorkerMessage, transfer?: ArrayBuffer[]) => void;

/**
 * Opens the file and serves it to the other end of the port, until that closes the store. Says first whether it was opened.
 */
export async function serveStore(port: MessagePort, options: WorkerOptions): Promise<void> {
  const send: Send = (message, transfer = []) => port.postMessage(message, transfer);
  try {
    await serve(port, send, options);
    send({ kind: "opened" });
  } catch (error) {
    send({ kind: "refused", failure: toFailure(error) });
    port.close();
  }
}

/** Takes the store's requests in turns: first all writes, in one transaction, then the reads. */
async function serve(
  port: MessagePort,
  send: Send,
  { path, collections, maxBytes, reserve }: WorkerOptions,
): Promise<void> {
  const catalog = createCatalog(collections);
  const database = openDatabase(path, maxBytes);
  try {
    await migrate(database, catalog);
  } catch (error) {
    database.close();
    throw error;
  }
  const statements = createStatements(database);
  const tidying = createTidying(database);
  const room = createRoom(database, reserve);
  const keeping = keepReserve(room);
  const queue: Task[] = [];
  let scheduled = false;
  // It is unknown what an earlier run deleted without a scrub, so the first scrub always works.
  let deletedSinceScrub = true;

  const schedule = () => {
    if (scheduled || queue.length === 0) return;
    scheduled = true;
    // By then every message that has arrived is in the queue.
    setImmediate(() => {
      scheduled = false;
      takeTurn(queue.splice(0, MAX_GROUP));
      schedule();
    });
  };

  const takeTurn = (turn: readonly Task[]) => {
    const writes = turn.filter((numbered) => isWrite(numbered.request));
    if (writes.length > 0) {
      const requests = writes.map(({ request }) => request as WriteRequest);
      const deleted = requests.some(deletes);
      deletedSinceScrub ||= deleted;
      const outcomes = writeGroup(statements, catalog, requests, room);
      if (requests.some(mayUseReserve)) keeping.used();
      send({
        kind: "replies",
        replies: writes.map(({ id }, i) => ({ id, ...(outcomes[i] as WriteOutcome) })),
      });
      if (deleted) tidying.wrote();
    }
    const others: Task[] = [];
    for (const numbered of turn) {
      if (numbered.request.kind === "copy") startCopy(database, send, numbered.id, numbered.request.path);
      else if (!isWrite(numbered.request)) others.push(numbered);
    }
    if (others.length === 0) return;
    const transfer: ArrayBuffer[] = [];
    const replies = others.map(({ id, request }): Reply => {
      try {
        const answer = answerOther(request);
        collectLarge(answer, transfer);
        return { id, answer };
      } catch (error) {
        return { id, failure: toFailure(error) };
      }
    });
    send({ kind: "replies", replies }, transfer);
    if (others.some(({ request }) => request.kind === "close")) port.close();
  };

  const answerOther = (request: Task["request"]): unknown => {
    if (request.kind === "close") {
      tidying.stop();
      keeping.stop();
      return database.close();
    }
    if (request.kind !== "scrub") return read(statements, catalog, request as ReadRequest);
    if (deletedSinceScrub) scrubDatabase(database);
    deletedSinceScrub = false;
  };

  port.on("message", (requests: readonly Numbered[]) => {
    tidying.touch();
    for (const { id, request } of requests) {
      queue.push({ id, request: request.kind === "commit" ? unpackCommit(request) : request });
    }
    schedule();
  });
}

function startCopy(database: DatabaseSync, send: Send, id: number, path: string): void {
  copyDatabase(database, path)
    .then(
      (): Reply => ({ id, answer: undefined }),
      (error: unknown): Reply => ({ id, failure: toFailure(error) }),
    )
    .then((reply) => send({ kind: "replies", replies: [reply] }));
}

function isWrite(request: Task["request"]): request is WriteRequest {
  return request.kind === "commit" || request.kind === "deleteOutbox";
}

function deletes(request: WriteRequest): boolean {
  return request.kind === "deleteOutbox" || request.changes.some((change) => change.kind !== "insert");
}

function collectLarge(answer: unknown, transfer: ArrayBuffer[]): void {
  for (const row of Array.isArray(answer) ? answer : [answer]) {
    const bytes: unknown = row?.document;
    if (!(bytes instanceof Uint8Array) || bytes.byteLength < TRANSFER_BYTES) continue;
    // A transfer takes the whole buffer, so only a buffer that this row alone uses is transferred.
    if (bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength === bytes.byteLength) {
      transfer.push(bytes.buffer);
    }
  }
}
