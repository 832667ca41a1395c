export interface AnswerEachOptions {
  /** Most unanswered requests: being answered, or answered and not taken by the reader yet. */
  readonly limit: number;
  /** Ends the stream at once: no request is begun and no answer passed on after it. */
  readonly signal: AbortSignal;
}

/**
 * Answers each request of a stream, in the order in which the answers are ready. Reads no further while `limit`
 * requests are unanswered, so a reader that stalls stalls the sender, in bounded memory.
 *
 * The end of the requests means only that no more come (a cancelled stream can look complete): answers under way are
 * finished. They are also finished where reading fails, or where `answer` rejects; the stream then ends with that
 * error.
 */
export async function* answerEach<Request, Answer>(
  requests: AsyncIterable<Request>,
  answer: (request: Request) => Promise<Answer>,
  { limit, signal }: AnswerEachOptions,
): AsyncGenerator<Answer, void, undefined> {
  const source = requests[Symbol.asyncIterator]();
  const ready: Answer[] = [];
  let unanswered = 0;
  let reading = false;
  let ended = false;
  let failure: { readonly error: unknown } | undefined;
  let wake = (): void => {};

  function end(error?: { readonly error: unknown }): void {
    ended = true;
    failure ??= error;
    wake();
  }

  function readOn(): void {
    if (reading || ended || signal.aborted || unanswered >= limit) return;
    reading = true;
    source.next().then(
      (result) => {
        reading = false;
        if (ended || signal.aborted) return;
        if (result.done === true) return end();
        unanswered++;
        begin(result.value);
        readOn();
      },
      (error: unknown) => {
        reading = false;
        end({ error });
      },
    );
  }

  function begin(request: Request): void {
    answer(request).then(
      (answered) => {
        ready.push(answered);
        wake();
      },
      (error: unknown) => {
        unanswered--;
        end({ error });
      },
    );
  }

  const wakeOnAbort = (): void => wake();
  signal.addEventListener("abort", wakeOnAbort, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      readOn();
      if (ready.length > 0) {
        yield ready.shift()!;
        unanswered--;
      } else if (ended && unanswered === 0) {
        break;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
    if (failure !== undefined) throw failure.error;
  } finally {
    ended = true;
    signal.removeEventListener("abort", wakeOnAbort);
    // Not awaited: it may wait for a message that never comes. Nobody reads its own failure any more.
    source.return?.().catch(() => {});
  }
}
