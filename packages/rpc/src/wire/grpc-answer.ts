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
export function streamOf(call: object): ServerHttp2Stream {
  let inner = (call as { readonly call?: Inner }).call;
  while (inner !== undefined && inner.stream === undefined) inner = inner.nextCall;
  if (inner?.stream === undefined) throw new TypeError("grpc-js keeps the HTTP/2 stream of a call elsewhere");
  return inner.stream;
}

/** How long a status waits behind bytes that its reader does not take. */
const statusWaitsMs = 1_000;

/** The answer of a call of grpc-js, as bytes that are handed to its connection. */
export interface GrpcAnswer {
  /**
   * Hands a message over, and waits until the connection has taken it: so at most one message of an answer waits. If
   * the answer has to end meanwhile (`holdAnswer`), its stream is reset, which drops the message.
   */
  write(bytes: Buffer): Promise<void>;
  /** The same for the only message of an answer, which the caller hands over; it is held until the stream is closed. */
  hold(bytes: Buffer): void;
  /** Whether the stream was reset: nothing more can be written then, not even a status. */
  readonly cut: boolean;
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
  let cut = false;
  let waits = false;

  const holdUntil = (bytes: Buffer, whenCut: () => void): (() => void) | undefined => {
    waits = true;
    return holdAnswer(values, {
      bytes: bytes.length,
      waits: () => waits && !stream.closed,
      end(reason) {
        cut = true;
        resetStream(stream, reason);
        onCut(reason);
        whenCut();
      },
    });
  };

  return {
    get cut() {
      return cut;
    },
    write(bytes) {
      const { promise, resolve } = Promise.withResolvers<void>();
      let release: (() => void) | undefined;
      const taken = (): void => {
        waits = false;
        stream.removeListener("close", taken);
        release?.();
        resolve();
      };
      stream.once("close", taken);
      release = holdUntil(bytes, taken);
      if (!cut) (call as StreamedCall).write(bytes, taken);
      // A write on a cancelled call may never be called back.
      return raceAbort(promise, signal);
    },
    hold(bytes) {
      const release = holdUntil(bytes, () => {});
      if (release !== undefined) stream.once("close", release);
    },
    fail(status) {
      (call as StreamedCall).emit("error", status);
      if (!waits || cut) return;
      const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), statusWaitsMs).unref();
      stream.once("close", () => clearTimeout(timer));
    },
  };
}
