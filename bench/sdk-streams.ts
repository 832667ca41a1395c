/**
 * What one stream of each client library carries (P1's "one stream", by what a partner would write): the libraries take turns against one
 * server, a fresh patient a turn, and print samples a second. What is sent is prepared before; every batch must be stored.
 *
 *     node bench/sdk-streams.ts [--samples 1000000] [--rounds 3]
 *
 * Needs Python, a JDK and Maven, which fetch their libraries. The first round, of a tenth of the samples, warms up and counts for nothing.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { temporaryFolder } from "@wellapi/demo/server";
import { compileJavaSdk } from "../scripts/java-sdk.ts";
import { buildPythonSdk } from "../scripts/python-sdk.ts";
import { closing } from "./src/closing.ts";
import { usageOf } from "./src/process-usage.ts";
import { median } from "./src/statistics.ts";
import { openWorld } from "./src/world.ts";

const { values } = parseArgs({
  options: { samples: { type: "string", default: "1000000" }, rounds: { type: "string", default: "3" } },
});
const samples = Number(values.samples);
const rounds = Number(values.rounds);
const here = (file: string) => fileURLToPath(new URL(`sdk/${file}`, import.meta.url));

/** How each library's program is started, before what it is told. */
async function commandsIn(folder: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const wheel = await buildPythonSdk(join(folder, "dist"));
  const python = join(folder, "venv/bin/python");
  run("python3", ["-m", "venv", join(folder, "venv")]);
  run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel]);
  return {
    TypeScript: [process.execPath, here("stream.ts")],
    Python: [python, here("stream.py")],
    Java: ["java", "-cp", compileJavaSdk(), "StreamSeries"],
  };
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
}

/** A program that sends when it is told to. */
function openSender([command = "", ...args]: readonly string[]): {
  child: ChildProcess;
  send: (task: string) => Promise<Sent>;
} {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return {
    child,
    async send(task) {
      child.stdin!.write(`${task}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error(`${command} ended`);
      return JSON.parse(value) as Sent;
    },
  };
}

interface Sent {
  readonly seconds: number;
  readonly stored: number;
}

await closing(async (push) => {
  const folder = temporaryFolder();
  push(folder.remove);
  const commands = Object.entries(await commandsIn(folder.path));
  const world = await openWorld({ patients: commands.length * (rounds + 1) }, push);
  const credentials = join(folder.path, "credentials");
  mkdirSync(credentials);
  for (const [name, pem] of Object.entries(world.target.tls))
    writeFileSync(join(credentials, `${name}.pem`), pem as string);
  const senders = commands.map(([name, command]) => {
    const sender = openSender([...command, credentials, world.server.grpc]);
    push(() => sender.child.kill());
    return { name, ...sender, found: [] as { rate: number; cpu: number }[] };
  });
  const patients = world.patients.values();
  for (let round = 0; round <= rounds; round++) {
    for (const { name, send, found } of senders) {
      const count = round === 0 ? Math.ceil(samples / 10) : samples;
      const before = usageOf(world.server.pid);
      const { seconds, stored } = await send(`${patients.next().value!.atMaker} ${count}`);
      const batches = Math.ceil(count / 1_000);
      if (stored !== batches) throw new Error(`${name}: ${stored} of ${batches} batches were stored`);
      const cpu = (usageOf(world.server.pid).cpuSeconds - before.cpuSeconds) / batches;
      if (round > 0) found.push({ rate: count / seconds, cpu: cpu * 1e6 });
    }
  }
  process.stdout.write(
    "| one stream, batches of 1,000 | samples/s, median | of all rounds | server CPU us/batch |\n|---|---|---|---|\n",
  );
  for (const { name, found } of senders) {
    const rates = found.map(({ rate }) => Math.round(rate).toLocaleString("en"));
    const cpu = Math.round(median(found.map((one) => one.cpu)));
    const middle = Math.round(median(found.map(({ rate }) => rate))).toLocaleString("en");
    process.stdout.write(`| ${name} | ${middle} | ${rates.join(", ")} | ${cpu} |\n`);
  }
});
