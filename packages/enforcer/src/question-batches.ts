import { setImmediate } from "node:timers/promises";
import type { Question } from "./port.ts";
import type { Answer } from "./session.ts";

/** Asks about `question`, and about these codes in its place. Resolves with the answers in this order; rejects where there was none. */
export type AskSeveral = (
  question: Question,
  furtherCodes: readonly string[],
) => Promise<readonly [Answer, ...Answer[]]>;

interface Batch {
  readonly codes: string[];
  readonly answers: Promise<readonly Answer[]>;
}

/** As many as the contract takes, beside the first. */
const mostFurtherCodes = 255;

/**
 * Joins the questions that differ in the code alone and come in one turn of the event loop. Who lists what there is of a patient asks
 * about every code: one by one each that is not known would be a call and a linearizable read.
 */
export function createQuestionBatches(ask: AskSeveral): (question: Question) => Promise<Answer> {
  const open = new Map<string, Batch>();

  function begin(key: string, question: Question): Batch {
    const codes: string[] = [];
    const send = async () => {
      await setImmediate();
      if (open.get(key) === batch) open.delete(key);
      const [code, ...further] = codes;
      return ask({ ...question, code: code! }, further);
    };
    const batch: Batch = { codes, answers: send() };
    open.set(key, batch);
    return batch;
  }

  return async (question) => {
    const key = keyOf(question);
    const known = open.get(key);
    const batch = known === undefined || known.codes.length > mostFurtherCodes ? begin(key, question) : known;
    const at = batch.codes.push(question.code) - 1;
    return (await batch.answers)[at]!;
  };
}

/** All but the code: also what a question may have one day that it has not today. */
function keyOf({ code: _, ...others }: Question): string {
  return JSON.stringify(Object.entries(others).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
