/** Takes what must be stopped, in reverse, however the use of it ends. */
export type Push = (stop: () => unknown) => void;

export async function closing<T>(use: (push: Push) => Promise<T>): Promise<T> {
  const stops: (() => unknown)[] = [];
  try {
    return await use((stop) => stops.push(stop));
  } finally {
    // One that fails must not leave the others' processes behind.
    const failures: unknown[] = [];
    for (const stop of stops.reverse()) {
      try {
        await stop();
      } catch (error) {
        failures.push(error);
      }
    }
    for (const failure of failures) process.stderr.write(`while stopping: ${failure}\n`);
  }
}
