import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { Caller } from "@wellapi/rpc";
import type { Change } from "@wellapi/store";
import type { AnswerRepository } from "./answer-repository.ts";

/**
 * Commits the answer with the change that it reports; false where the same request came first, and nothing was
 * stored.
 */
export type Store<A> = (keep: (partition: string, answer: A) => Change) => Promise<A | undefined>;

/** Calls whose answers hold a key or a token. A lost answer must not lose it. */
export interface Answers {
  /**
   * Returns the result of `make`, or the answer that the same request of the same caller got within a day. `make`
   * returns undefined where `keep` found that the same request came first.
   */
  once<I extends DescMessage, O extends DescMessage>(
    caller: Caller,
    method: DescMethodUnary<I, O>,
    request: MessageShape<I> & { readonly requestId: string },
    make: Store<MessageInitShape<O>>,
  ): Promise<{ readonly answer: MessageShape<O>; readonly again: boolean }>;
}

export function createAnswers(repository: AnswerRepository): Answers {
  return {
    async once(caller, method, request, make) {
      const asking = {
        creator: `${caller.principal.kind} ${caller.principal.id}`,
        method: `${method.parent.typeName}/${method.name}`,
        requestId: request.requestId.toLowerCase(),
        content: toBinary(method.input, { ...request, requestId: "" }),
      };
      for (;;) {
        const before = await repository.find(asking);
        if (before !== undefined) return { answer: fromBinary(method.output, before), again: true };
        const made = await make((partition, answer) =>
          repository.keep(partition, asking, toBinary(method.output, create(method.output, answer))),
        );
        if (made !== undefined) return { answer: create(method.output, made), again: false };
      }
    },
  };
}
