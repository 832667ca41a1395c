import type { DescMethod } from "@bufbuild/protobuf";
import type { StreamResponse } from "@connectrpc/connect";
import {
  type AnswerGuard,
  type GuardedAnswer,
  guardedAnswerKey,
  nobodyGuards,
  objectionError,
  patientHeader,
} from "../answers/guarded-answer.ts";
import { guardStream } from "../answers/guarded-stream.ts";
import { unreadAnswersKey } from "../answers/hold-answer.ts";
import type { UnreadAnswers } from "../answers/unread-answers.ts";
import { callerKey } from "../caller/caller.ts";
import { peerWorkloadKey } from "../caller/context.ts";
import { onAbort } from "../wire/stream.ts";
import { type StepInterceptor, step } from "./step.ts";

export interface ReleaseOptions {
  readonly guard: AnswerGuard;
  /**
   * Whether the method's answers carry a patient's data under consent: an answer that does not name the patient is
   * held back.
   */
  readonly guards: (method: DescMethod) => boolean;
  /** Ends answers whose readers take nothing. Absent: they wait for ever. */
  readonly unread?: UnreadAnswers;
}

const noRelease: ReleaseOptions = { guard: nobodyGuards, guards: () => false };

/**
 * The last step of an answer at a door: an answer about a patient leaves only if no change has taken something away
 * since it began. The step removes the patient's header. Between services every answer passes.
 */
export function releaseInterceptor({ guard, guards, unread }: ReleaseOptions = noRelease): StepInterceptor {
  return step("release", (next) => async (request) => {
    const { method, contextValues } = request;
    if (contextValues.get(peerWorkloadKey) !== undefined) return next(request);
    const answer = guard.begin();
    if (unread !== undefined) {
      const { principal } = contextValues.get(callerKey);
      contextValues.set(unreadAnswersKey, (bytes) => unread.hold(principal, bytes));
    }

    /** The answer, once its patient is known. */
    function identify(header: Headers, failed: boolean): GuardedAnswer | undefined {
      const partition = header.get(patientHeader);
      if (partition !== null) {
        header.delete(patientHeader);
        answer.about(partition, contextValues.get(callerKey).principal.organization);
        contextValues.set(guardedAnswerKey, answer);
        return answer;
      }
      if (guards(method) && !failed) {
        throw new Error(`${method.parent.typeName}/${method.name} does not say whose data it releases`);
      }
      return undefined;
    }

    const response = await next(request);
    if (!response.stream) {
      const objection = identify(response.header, false)?.objection();
      if (objection === undefined) return response;
      // Nothing of it leaves: an answer to the same request that is asked for anew is guarded by itself.
      contextValues.set(guardedAnswerKey, undefined);
      throw objectionError(objection);
    }
    const { messages, finish } = guardStream(response.message, {
      identify: (failed) => identify(response.header, failed),
    });
    // Transports abort the signal when the call is over, however it ended.
    onAbort(request.signal, finish);
    const guarded: StreamResponse = { ...response, message: messages };
    return guarded;
  });
}
