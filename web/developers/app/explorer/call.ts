import {
  create,
  createRegistry,
  type DescMethod,
  fromJson,
  type JsonObject,
  type Message,
  toJsonString,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { reasonIn } from "@wellapi/ui/browser/problem";

/** What came of a call, as far as it has come. */
export interface Answer {
  /** Each message of the answer, as JSON. */
  readonly messages: readonly string[];
  /** `OK`, or gRPC's name of the status; undefined while messages come. */
  readonly status: string | undefined;
  /** Of the error; empty: none. */
  readonly reason: string;
  readonly said: string;
  readonly milliseconds: number;
}

/** More messages of a stream are not read. */
const mostMessages = 20;
const mostMs = 60_000;

/** The request as a message. Throws what says which part of the JSON is not the contract's. */
export function messageOf(method: DescMethod, request: JsonObject): Message {
  return fromJson(method.input, request, { registry: createRegistry(method.parent.file) });
}

/** Calls once, and gives `onAnswer` what there is after each message, and at the end. Never throws. */
export async function callRpc(
  transport: Transport,
  method: DescMethod,
  request: Message,
  options: {
    readonly headers: HeadersInit;
    readonly signal: AbortSignal;
    readonly onAnswer: (answer: Answer) => void;
  },
): Promise<void> {
  const { headers, signal, onAnswer } = options;
  const began = performance.now();
  const messages: string[] = [];
  const tell = (status: string | undefined, reason = "", said = ""): void =>
    onAnswer({ messages: [...messages], status, reason, said, milliseconds: performance.now() - began });
  const add = (message: Message): void =>
    void messages.push(toJsonString(method.output, message, { prettySpaces: 2 }));
  try {
    if (method.methodKind === "unary") {
      const { message } = await transport.unary(method as never, signal, undefined, headers, request);
      add(message as Message);
      return tell("OK");
    }
    const one = (async function* () {
      yield create(method.input, request as never);
    })();
    const answer = await transport.stream(method as never, signal, mostMs, headers, one as never);
    for await (const message of answer.message as AsyncIterable<Message>) {
      add(message);
      tell(undefined);
      if (messages.length === mostMessages) break;
    }
    tell("OK");
  } catch (error) {
    const known = ConnectError.from(error);
    tell(statusName(known.code), reasonIn(known), known.rawMessage);
  }
}

/** `NOT_FOUND`. */
function statusName(code: Code): string {
  return Code[code]!.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}
