import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** The commands of a program of the bench. Arguments and answers survive a structured clone. */
export type Commands = Readonly<Record<string, (argument: never) => unknown>>;

interface Order {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

type Reply =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly failure: string };

/** A separate process: a load generator, a bound, or a host of a single service. */
export interface Program<C extends Commands> {
  readonly pid: number;
  call<N extends keyof C & string>(
    name: N,
    argument: Parameters<C[N]>[0],
  ): Promise<Awaited<ReturnType<C[N]>>>;
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

/** The child's side: serves the commands until its parent goes. */
export function serveProgram(commands: Commands): void {
  process.on("message", async ({ id, name, argument }: Order) => {
    const send = (reply: Reply) => process.send!(reply);
    try {
      const command = commands[name] as ((argument: unknown) => unknown) | undefined;
      if (command === undefined) throw new Error(`no command ${name}`);
      send({ id, answer: await command(argument) });
    } catch (error) {
      send({ id, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  process.on("disconnect", () => process.exit(0));
}

/** Starts a file of the bench, named from `bench/`, for example `load/stream.ts`. */
export function startProgram<C extends Commands>(file: string): Program<C> {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
  const child: ChildProcess = fork(path, { serialization: "advanced" });
  const waiting = new Map<number, { resolve(answer: never): void; reject(error: Error): void }>();
  let lastId = 0;
  child.on("message", (reply: Reply) => {
    const order = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ("failure" in reply) order?.reject(new Error(`${file}: ${reply.failure}`));
    else order?.resolve(reply.answer as never);
  });
  const ended = once(child, "exit").then(([code, signal]) => {
    for (const order of waiting.values())
      order.reject(new Error(`${file} ended (${signal ?? `code ${code}`})`));
  });
  return {
    pid: child.pid!,
    call: (name, argument) =>
      new Promise((resolve, reject) => {
        lastId += 1;
        waiting.set(lastId, { resolve, reject });
        child.send({ id: lastId, name, argument } satisfies Order);
      }),
    signal: (signal) => void child.kill(signal),
    async stop() {
      child.kill("SIGKILL"); // nothing of it is worth keeping; a second time does nothing
      await ended;
    },
  };
}
