/**
 * Streams that are each in the order of `compare`, as one stream in that order; of equals that of the earlier stream comes first. Holds
 * one item of each stream.
 */
export async function* mergedStreams<T>(
  streams: readonly AsyncGenerator<T>[],
  compare: (a: T, b: T) => number,
): AsyncGenerator<T> {
  const heads = await Promise.all(streams.map((stream) => stream.next()));
  for (;;) {
    let first: { readonly at: number; readonly value: T } | undefined;
    for (const [at, { done, value }] of heads.entries()) {
      if (done === true) continue;
      if (first === undefined || compare(value, first.value) < 0) first = { at, value };
    }
    if (first === undefined) return;
    yield first.value;
    heads[first.at] = await streams[first.at]!.next();
  }
}
