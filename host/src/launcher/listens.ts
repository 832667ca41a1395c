import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { HostError } from "../errors.ts";
import type { Child } from "./child.ts";

const everyMs = 50;
const withinMs = 30_000;

/** Resolves once the child listens. Throws HostError `child_ended` if it ends before, or takes too long. */
export async function listens(child: Child, port: number, remedy: string): Promise<void> {
  let ended = false;
  child.ended.then(() => {
    ended = true;
  });
  for (let waited = 0; waited < withinMs && !ended; waited += everyMs) {
    const socket = connect(port, "127.0.0.1");
    const open = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await delay(everyMs);
  }
  throw new HostError("child_ended", `${child.name} did not start: ${remedy}`);
}
