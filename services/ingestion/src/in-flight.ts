/**
 * Answers requests in whatever order they are done, with at most `limit` unanswered: it reads no further until
 * an answer was taken. Where the requests fail or `signal` aborts, nothing more is answered. That the requests
 * end means nothing but that no more come: what was read is still answered.
 */
export async function* answerInFlight<Q, A>(
  requests: AsyncIterable<Q>,
  answer: (request: Q) => Promise<A>,
  limit: number,
  signal: AbortSignal,
): AsyncGenerator<A> {
  const source = requests[Symbol.asyncIterator]();
  const answers: A[] = [];
  let unanswered = 0;
  let reading = false;
  let ended = false;
  let failure: { readonly error: unknown } | undefined;
  let wake = () => {};
  const fail = (error: unknown) => {
    failure ??= { error };
    wake();
  };
  const abort = () => fail(signal.reason);

  const read = () => {
    reading = true;
    source.next().then(
      (result) => {
        reading = false;
        if (result.done === true) ended = true;
        else {
          unanswered++;
          answer(result.value).then((done) => {
            answers.push(done);
            wake();
          }, fail);
        }
        wake();
      },
      (error: unknown) => fail(error),
    );
  };

  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    for (;;) {
      if (failure !== undefined) throw failure.error;
      if (!ended && !reading && unanswered < limit) read();
      const next = answers.shift();
      if (next !== undefined) {
        yield next;
        unanswered--;
      } else if (ended && unanswered === 0) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
