import { connect, createServer, type Socket } from "node:net";
import { createLogger } from "@wellapi/runtime";
import { expect, onTestFinished, test } from "vitest";
import { boundOpens } from "../src/index.ts";

test("an address opens so many connections a window, and no other pays for it", async () => {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const log = createLogger({ name: "test", env: { WELLAPI_LOG_LEVEL: "info" }, destination });
  const accepted: Socket[] = [];
  const server = createServer((socket) => {
    accepted.push(socket);
    socket.on("error", () => {});
    socket.on("data", (bytes) => socket.write(bytes));
  });
  boundOpens(server, { log, perWindow: 3 });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of accepted) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const answers = async (localAddress: string): Promise<boolean> => {
    const socket = connect({ port, host: "127.0.0.1", localAddress });
    socket.on("error", () => {}); // A reset is the outcome that is looked for.
    const over = new Promise<boolean>((resolve) => socket.once("close", () => resolve(false)));
    const answered = new Promise<boolean>((resolve) => socket.once("data", () => resolve(true)));
    socket.write("hello");
    const outcome = await Promise.race([answered, over]);
    socket.destroy();
    return outcome;
  };
  const served = [];
  for (let i = 0; i < 5; i++) served.push(await answers("127.0.0.1"));
  expect(served).toEqual([true, true, true, false, false]);
  expect(await answers("127.0.0.2")).toBe(true);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ limit: 3, caller_address: expect.any(String) });
  expect(JSON.stringify(lines)).not.toContain("127.0.0.1");
});
