import { constants, type ServerHttp2Stream } from "node:http2";
import type { ConnectError, HandlerContext } from "@connectrpc/connect";
import type * as grpc from "@grpc/grpc-js";
import { holdAnswer } from "../answers/hold-answer.ts";
import { resetStream } from "./reset.ts";
import { raceAbort } from "./stream.ts";

/** What a call of grpc-js keeps private: itself below its interceptors, and the HTTP/2 stream below all. */
interface Inner {
  readonly stream?: ServerHttp2Stream;
  readonly nextCall?: Inner;
}

/** The HTTP/2 stream of a call. */
function streamOf(call: object): ServerHttp2Stream {
  let inner = (call as { readonly call?: Inner }).call;
  while (inner !== undefined && inner.stream === undefined) inner = inner.nextCall;
  if (inner?.stream === undefined) throw new TypeError("grpc-js keeps the HTTP/2 stream of a call elsewhere");
  return inner.stream;
}

/** How long a status waits behind bytes that its reader does not take. */
const statusWaitsMs = 1_000;
/**
 * Bytes of an answer that may wait when the next message is made: as many as its reader has taken, within these bounds. One
 * that has taken nothing is given one message, whose rest nobody makes for it, and one that takes all is not kept waiting.
 */
const mostWaiting = { first: 65_536, later: 262_144 };

/** The answer of a call of grpc-js, as bytes that are handed to its connection. */
export interface GrpcAnswer {
  /**
   * Hands a message over, and waits until the connection has taken enough of what waits (`mostWaiting`): so at most that and
   * one message of an answer wait. If the answer has to end meanwhile (`holdAnswer`), its stream is reset, which drops them.
   */
  write(bytes: Buffer): Promise<void>;
  /** The same for the only message of an answer, which the caller hands over. */
  hold(bytes: Buffer): void;
  /** The answer ends by a status. It does not wait long behind a message that nobody takes. */
  fail(status: grpc.ServerErrorResponse): void;
}

type StreamedCall = grpc.ServerWritableStream<Buffer, Buffer> | grpc.ServerDuplexStream<Buffer, Buffer>;

/** `onCut` gets the reason when the stream is reset. */
export function openGrpcAnswer(
  call: StreamedCall | grpc.ServerReadableStream<Buffer, Buffer>,
  { values, signal }: HandlerContext,
  onCut: (reason: ConnectError) => void,
): GrpcAnswer {
  const stream = streamOf(call);
  /** What says that a message was taken, by message. */
  const waiting = new Set<() => void>();
  let bytesWaiting = 0;
  let bytesTaken = 0;
  let cut = false;
  let goOn = (): void => {};

  const mayWait = (): number =>
    bytesTaken === 0 ? 0 : Math.min(Math.max(bytesTaken, mostWaiting.first), mostWaiting.later);
  const isFull = (): boolean => bytesWaiting > mayWait();

  /** Nothing waits any more: the stream is closed. */
  const takeAll = (): void => {
    for (const taken of [...waiting]) taken();
  };
  const end = (reason: ConnectError): void => {
    cut = true;
    resetStream(stream, reason);
    onCut(reason);
    takeAll();
  };

  /** Holds a message until the returned function is called. */
  function hold(bytes: number): () => void {
    if (waiting.size === 0) stream.once("close", takeAll);
    let release: (() => void) | undefined;
    const taken = (): void => {
      if (!waiting.delete(taken)) return;
      bytesWaiting -= bytes;
      bytesTaken += bytes;
      if (waiting.size === 0) stream.removeListener("close", takeAll);
      release?.();
      if (!isFull()) goOn();
    };
    waiting.add(taken);
    bytesWaiting += bytes;
    release = holdAnswer(values, { bytes, waits: () => waiting.has(taken) && !stream.closed, end });
    return taken;
  }

  return {
    write(bytes) {
      const taken = hold(bytes.length);
      if (!cut) (call as StreamedCall).write(bytes, taken);
      if (!isFull()) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      goOn = resolve;
      // A write on a cancelled call may never be called back.
      return raceAbort(promise, signal);
    },
    hold: (bytes) => void hold(bytes.length),
    fail(status) {
      (call as StreamedCall).emit("error", status);
      if (waiting.size === 0 || cut) return;
      const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), statusWaitsMs).unref();
      stream.once("close", () => clearTimeout(timer));
    },
  };
}
