/** Runs work of one name one after another, and of different names at once. */
export interface Queues {
  run<T>(name: string, work: () => Promise<T>): Promise<T>;
}

export function createQueues(): Queues {
  const last = new Map<string, Promise<unknown>>();
  return {
    run(name, work) {
      const before = last.get(name) ?? Promise.resolve();
      const running = before.then(work, work);
      last.set(name, running);
      const forget = () => {
        if (last.get(name) === running) last.delete(name);
      };
      running.then(forget, forget);
      return running;
    },
  };
}
