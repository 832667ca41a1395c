import type { Clock, Logger } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import { createAnswerSealer } from "./answer.ts";
import { openAnswerRepository } from "./answer-repository.ts";
import { type Answers, createAnswers } from "./answers.ts";
import { type EnrollmentCodeRepository, openEnrollmentCodeRepository } from "./enrollment-code-repository.ts";

/** What is kept of credentials for a time, and deleted then. */
export interface KeptCredentials {
  readonly answers: Answers;
  readonly codes: EnrollmentCodeRepository;
  close(): Promise<void>;
}

/** `sealingKey` is 32 bytes that only this installation has. */
export async function openKeptCredentials(options: {
  readonly store: Store;
  readonly sealingKey: Uint8Array;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<KeptCredentials> {
  const kept = await openAnswerRepository({ ...options, sealer: createAnswerSealer(options.sealingKey) });
  const codes = await openEnrollmentCodeRepository(options);
  return {
    answers: createAnswers(kept),
    codes,
    async close() {
      await codes.close();
      await kept.close();
    },
  };
}
