/** Runs the commits of one patient one after another, so that they do not conflict with each other. */
export interface PatientQueue {
  run<T>(partition: string, work: () => Promise<T>): Promise<T>;
}

export function createPatientQueue(): PatientQueue {
  const tails = new Map<string, Promise<unknown>>();
  return {
    run(partition, work) {
      const result = (tails.get(partition) ?? Promise.resolve()).then(work);
      const tail = result.then(
        () => undefined,
        () => undefined,
      );
      tails.set(partition, tail);
      void tail.then(() => {
        if (tails.get(partition) === tail) tails.delete(partition);
      });
      return result;
    },
  };
}
