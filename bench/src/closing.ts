/** Takes what must be stopped, in reverse, however the use of it ends. */
export type Push = (stop: () => unknown) => void;

export async function closing<T>(use: (push: Push) => Promise<T>): Promise<T> {
  const stops: (() => unknown)[] = [];
  try {
    return await use((stop) => stops.push(stop));
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}
