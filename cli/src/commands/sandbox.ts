import { setTimeout as delay } from "node:timers/promises";
import { type PersonName, personNames } from "@wellapi/sandbox-people";
import type { Command } from "commander";
import { count, wordOption } from "../arguments.ts";
import { connect } from "../connection.ts";
import { CliError } from "../failure.ts";
import type { Io } from "../io.ts";
import { createOutput, type Output } from "../output.ts";
import {
  connectDevices,
  type Exchange,
  enrolOrganizations,
  enrolPeople,
  erasePeople,
  refuseProduction,
  revokerPermits,
  settleRevoker,
} from "../sandbox/enrolment.ts";
import { type Sent, sendReadings } from "../sandbox/sending.ts";
import { beginSandbox, openSandbox, type SandboxFolder } from "../sandbox/state.ts";
import { addConnectionOptions, type Settings, settingsOf } from "../settings.ts";

interface SandboxOptions {
  folder: string;
}

interface CreateOptions extends SandboxOptions {
  seed: number;
  days: number;
  people?: PersonName[];
  organization?: string;
}

interface StreamOptions extends SandboxOptions {
  every: number;
}

const dayMs = 86_400_000;
const mostDays = 366;
const mostSeconds = 86_400;
const people = Object.fromEntries(personNames.map((name) => [name, name])) as Record<PersonName, PersonName>;

export function addSandbox(program: Command, io: Io): void {
  const group = program
    .command("sandbox")
    .description("synthetic people, whose devices send; for the sandbox's operator");
  addCreate(group, io);
  addStream(group, io);
  addReset(group, io);
}

function addSandboxOptions(command: Command, io: Io): Command {
  return addConnectionOptions(command, io).option(
    "--folder <folder>",
    "where its key, its certificate and its state lie",
    "sandbox",
  );
}

function addCreate(group: Command, io: Io): void {
  addSandboxOptions(group.command("create"), io)
    .description(
      "make an organization with an API key, people who consent to it, and what their devices measured",
    )
    .option("--seed <n>", "the same number gives the same people with the same values", count, 1)
    .option("--days <n>", "how many days of data there are, up to now", count, 30)
    .addOption(wordOption("--people <name...>", "only these (default: all)", people))
    .option(
      "--organization <id>",
      "fill this organization, which was made at /developers/ (default: a new one)",
    )
    .addHelpText("after", "\nExample: wellapi sandbox create --seed 7 --people runner diabetic")
    .action(async (options: CreateOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const { seed, days, organization } = options;
      if (days < 1 || days > mostDays) throw new CliError("usage", `--days takes 1 to ${mostDays}`);
      const exchange = await exchangeOf(settings);
      await refuseProduction(exchange);
      // In one order, however they were named: the folder is compared by it.
      const names = personNames.filter((name) => options.people?.includes(name) ?? true);
      const folder = beginSandbox(options.folder, {
        ...{ seed, days, names },
        ...(organization !== undefined && { filled: organization }),
      });
      await enrolOrganizations(exchange, folder);
      await fill(exchange, folder, createOutput(io, settings.json));
    });
}

function addStream(group: Command, io: Io): void {
  addSandboxOptions(group.command("stream"), io)
    .description("send what the people's devices measure from now on; Ctrl-C ends it")
    .option("--every <seconds>", "how often the devices send", count, 60)
    .addHelpText(
      "after",
      "\nWhat was measured since the last run is sent first. In each hour's first ten minutes the revoker has no consent\nfor the developer." +
        "\nThe devices' certificate lives for 30 days: wellapi credential renew --credentials sandbox/devices" +
        "\nExample: wellapi sandbox stream --every 15",
    )
    .action(async (options: StreamOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const { every } = options;
      if (every < 1 || every > mostSeconds)
        throw new CliError("usage", `--every takes 1 to ${mostSeconds} seconds`);
      const folder = openSandbox(options.folder);
      const exchange = await exchangeOf(settings);
      await stream(exchange, folder, {
        everyMs: every * 1_000,
        output: createOutput(io, settings.json),
        signal: io.interrupted(),
      });
    });
}

function addReset(group: Command, io: Io): void {
  addSandboxOptions(group.command("reset"), io)
    .description("erase the people, and make them anew; the organization and its key stay")
    .addHelpText(
      "after",
      "\nThe same seed gives the same people. Their ids are new: nobody who was erased comes back." +
        "\nExample: wellapi sandbox reset",
    )
    .action(async (options: SandboxOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const folder = openSandbox(options.folder);
      const exchange = await exchangeOf(settings);
      await erasePeople(exchange, folder, folder.state().names);
      folder.save({
        generation: folder.state().generation + 1,
        people: undefined,
        sending: undefined,
        sentToMs: undefined,
      });
      await fill(exchange, folder, createOutput(io, settings.json));
    });
}

async function exchangeOf(settings: Settings): Promise<Exchange> {
  const { url, grpcUrl } = settings;
  return { url, grpcUrl, operator: await connect(settings) };
}

/** Makes the people and their past, as far as it is not there. */
async function fill(exchange: Exchange, folder: SandboxFolder, output: Output): Promise<void> {
  await enrolPeople(exchange, folder);
  const { days, sentToMs, sending } = folder.state();
  const toMs = Date.now();
  const range = sending ?? { fromMs: toMs - days * dayMs, toMs };
  const devices = connectDevices(exchange, folder);
  let sent: Sent = { accepted: 0, duplicate: 0 };
  try {
    if (sentToMs === undefined) sent = await sendReadings(devices, folder, range);
  } finally {
    devices.close();
  }
  await settleRevoker(exchange, folder, revokerPermits(Date.now()));
  if (folder.state().names.includes("erased")) await erasePeople(exchange, folder, ["erased"]);
  tell(folder, sent, output);
}

function tell(folder: SandboxFolder, sent: Sent, output: Output): void {
  const { organizations, people, seed } = folder.state();
  const apiKeyFile = folder.file("api-key");
  const patients = Object.entries(people ?? {}).map(([name, { atOrganization, erased = false }]) => ({
    name,
    patient: atOrganization,
    erased,
  }));
  output.object({ organization: organizations?.organization, seed, apiKeyFile, patients, ...sent }, () =>
    [
      `${organizations?.organization} has these patients, and its key is in ${apiKeyFile}:`,
      ...patients.map(({ name, patient, erased }) => `  ${patient}  ${name}${erased ? ", erased" : ""}`),
      `${sent.accepted} samples are stored now, ${sent.duplicate} were stored before`,
      `wellapi sandbox stream --folder ${folder.path}   # their devices go on`,
    ].join("\n"),
  );
}

/** Sends every so often, until the signal aborts. What is under way is finished: nothing is half sent. */
async function stream(
  exchange: Exchange,
  folder: SandboxFolder,
  run: { readonly everyMs: number; readonly output: Output; readonly signal: AbortSignal },
): Promise<void> {
  const { sentToMs, people } = folder.state();
  if (sentToMs === undefined || people === undefined) {
    throw new CliError("input", `${folder.path} is not filled yet: run wellapi sandbox create again`);
  }
  const { everyMs, output, signal } = run;
  const devices = connectDevices(exchange, folder);
  let permitted: boolean | undefined;
  try {
    while (!signal.aborted) {
      const permits = revokerPermits(Date.now());
      if (permits !== permitted) await settleRevoker(exchange, folder, permits);
      permitted = permits;
      const sent = await sendSince(devices, folder);
      output.object({ ...sent, sentTo: sentTo(folder) }, () => `${sentTo(folder)} ${sent.accepted} samples`);
      await delay(everyMs, undefined, { signal }).catch(() => {});
    }
  } finally {
    devices.close();
  }
}

async function sendSince(devices: ReturnType<typeof connectDevices>, folder: SandboxFolder): Promise<Sent> {
  const { sending } = folder.state();
  // Interrupted in the last run: first the same once more.
  const before = sending && (await sendReadings(devices, folder, sending));
  const now = await sendReadings(devices, folder, { fromMs: folder.state().sentToMs!, toMs: Date.now() });
  return {
    accepted: now.accepted + (before?.accepted ?? 0),
    duplicate: now.duplicate + (before?.duplicate ?? 0),
  };
}

function sentTo(folder: SandboxFolder): string {
  return new Date(folder.state().sentToMs!).toISOString();
}
