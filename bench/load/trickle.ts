/** Generator of P8: sends small batches of one patient at a steady rate until it is told to stop. */
import { createInput } from "../src/input.ts";
import { serveProgram } from "../src/program.ts";
import { openRawClient, rawStream, type Target } from "../src/raw-client.ts";

let stop: () => Promise<number> = async () => 0;

const commands = {
  start(order: { target: Target; path: string; patient: string; name: string; perSecond: number }): void {
    const client = openRawClient(order.target);
    const call = rawStream(client, order.path);
    const input = createInput({
      shape: "minutes",
      patients: [order.patient],
      samplesPerMessage: 10,
      name: order.name,
    });
    let answered = 0;
    call.on("data", () => {
      answered += 1;
    });
    const ended = new Promise<void>((resolve) => call.on("status", () => resolve()));
    call.on("error", () => {});
    const timer = setInterval(() => call.write(input.prepare(1).messages[0]!), 1_000 / order.perSecond);
    stop = async () => {
      clearInterval(timer);
      call.end();
      await ended;
      client.close();
      return answered;
    };
  },
  stop: (): Promise<number> => stop(),
};

export type TrickleLoad = typeof commands;
serveProgram(commands);
