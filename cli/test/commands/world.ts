/** What the tests of commands share: a command run without a process, and an exchange that answers what a test says. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { Writable } from "node:stream";
import type { ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { onTestFinished } from "vitest";
import type { Io } from "../../src/io.ts";
import { run } from "../../src/program.ts";

export interface Outcome {
  readonly code: number;
  /** What was printed, without the last line's end. */
  readonly out: string;
  readonly err: string;
}

export interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Whether stdout is a terminal. */
  readonly terminal?: boolean;
  /** Aborts as Ctrl-C does. */
  readonly interrupt?: AbortSignal;
  /** Sees each piece of text on stdout as it is printed. */
  readonly onOut?: (text: string) => void;
  /** As `onOut`, of stderr. */
  readonly onErr?: (text: string) => void;
}

/** Runs a command line in this process. */
export async function wellapi(parameters: readonly string[], given: Given = {}): Promise<Outcome> {
  const [out, err] = [[] as string[], [] as string[]];
  const sink = (texts: string[], heard?: (text: string) => void) =>
    new Writable({
      decodeStrings: false,
      write(text: string, _encoding, done) {
        texts.push(text);
        heard?.(text);
        done();
      },
    });
  const io: Io = {
    env: given.env ?? {},
    stdin: (async function* () {
      yield given.stdin ?? "";
    })(),
    stdout: Object.assign(sink(out, given.onOut), { isTTY: given.terminal ?? false }),
    stderr: sink(err, given.onErr),
    interrupted: () => given.interrupt ?? new AbortController().signal,
    exitCode: 0,
  };
  const code = await run(io, parameters);
  return { code, out: out.join("").trimEnd(), err: err.join("").trimEnd() };
}

/** A gateway with these services, until the test is over; and the environment by which a command calls it. */
export async function openGateway(routes: (router: ConnectRouter) => void): Promise<Record<string, string>> {
  const server = createServer(connectNodeAdapter({ routes })).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    WELLAPI_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    WELLAPI_API_KEY: "wak_test",
  };
}

/** A folder until the test is over. */
export function openFolder(): string {
  const path = mkdtempSync(`${tmpdir()}/wellapi-cli-`);
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
