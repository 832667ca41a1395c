import type { Message } from "@bufbuild/protobuf";
import { createContextKey } from "@connectrpc/connect";

/** The body of a request that its transport has not read yet. */
export interface UnreadBody {
  /** The compression that the request's headers name; undefined: none. */
  readonly compression: string | undefined;
  /**
   * Of a unary call: reads, decompresses and decodes the message; called once. Of a stream the messages are read when
   * they are pulled.
   */
  read(): Promise<Message>;
  /** Of a stream: resolves when the steps behind the admission may run; at once unless given. */
  begin?(): Promise<void>;
}

/** `read` of a stream. */
export function pulledOnly(): Promise<never> {
  return Promise.reject(new TypeError("the messages of a stream are pulled"));
}

/** Set by transports that run the interceptors before they read. In memory the message is there already. */
export const unreadBodyKey = createContextKey<UnreadBody | undefined>(undefined, {
  description: "unread body",
});

/** Stands for the message of a unary request until the step `body` has read it: no earlier step looks at it. */
export const unreadMessage = undefined as unknown as Message;

/** The compression that a header names, or undefined. */
export function compressionOf(name: string | null | undefined): string | undefined {
  return name === null || name === undefined || name === "" || name === "identity" ? undefined : name;
}
