import { setTimeout as delay } from "node:timers/promises";
import { type PersonName, personNames } from "@wellapi/sandbox-people";
import { revokerPermits } from "@wellapi/sandbox-people/filling";
import type { Command } from "commander";
import { count, duration, wordOption } from "../arguments.ts";
import { connect } from "../connection.ts";
import { CliError } from "../failure.ts";
import type { Io } from "../io.ts";
import { createOutput, type Output } from "../output.ts";
import { moveClock } from "../sandbox/clock.ts";
import {
  connectDevices,
  type Exchange,
  enrolOrganizations,
  enrolPeople,
  erasePeople,
  refuseProduction,
  settleRevoker,
} from "../sandbox/enrolment.ts";
import {
  fillOwn,
  type OwnOrganization,
  ownOrganization,
  resetOwn,
  streamOwn,
} from "../sandbox/own-organization.ts";
import { type Sent, sendReadings } from "../sandbox/sending.ts";
import { beginSandbox, openSandbox, type SandboxFolder } from "../sandbox/state.ts";
import { addConnectionOptions, type Settings, settingsOf } from "../settings.ts";

interface SandboxOptions {
  folder: string;
}

interface PeopleOptions extends SandboxOptions {
  seed: number;
  days: number;
  people?: PersonName[];
}

interface CreateOptions extends PeopleOptions {
  organization?: string;
}

interface ClockOptions {
  forward?: number;
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
    .description(
      "synthetic people, whose devices send: in an organization of your own by its key, or for the operator",
    );
  addCreate(group, io);
  addStream(group, io);
  addReset(group, io);
  addClock(group, io);
}

function addSandboxOptions(command: Command, io: Io): Command {
  return addConnectionOptions(command, io).option(
    "--folder <folder>",
    "the operator's: where its key, its certificate and its state lie",
    "sandbox",
  );
}

function addPeopleOptions(command: Command): Command {
  return command
    .option("--seed <n>", "the same number gives the same people with the same values", count, 1)
    .option("--days <n>", "how many days of data there are, up to now", count, 30)
    .addOption(wordOption("--people <name...>", "only these (default: all)", people));
}

function addCreate(group: Command, io: Io): void {
  addPeopleOptions(addSandboxOptions(group.command("create"), io))
    .description(
      "make people who consent to your organization, and what their devices measured; with the operator's key also an organization with an API key",
    )
    .option(
      "--organization <id>",
      "the operator's: fill this organization, which was made at /developers/ (default: a new one)",
    )
    .addHelpText("after", "\nExample: wellapi sandbox create --seed 7 --people runner diabetic")
    .action(async (options: CreateOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const { seed, days, organization } = options;
      const wanted = wantedOf(options);
      const exchange = await exchangeOf(settings);
      const own = await ownOrganization(exchange.operator, exchange.url);
      if (own !== undefined) {
        checkNamed(own, organization);
        return fillOwn(own, wanted, createOutput(io, settings.json));
      }
      await refuseProduction(exchange);
      const folder = beginSandbox(options.folder, {
        ...{ seed, days, names: wanted.names },
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
      "\nWhat was measured since the last run is sent first; with the organization's own key, since the day began (UTC). In each hour's first ten minutes the revoker has no consent\nfor the developer." +
        "\nThe devices' certificate lives for 30 days: wellapi credential renew --credentials sandbox/devices" +
        "\nExample: wellapi sandbox stream --every 15",
    )
    .action(async (options: StreamOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const { every } = options;
      if (every < 1 || every > mostSeconds)
        throw new CliError("usage", `--every takes 1 to ${mostSeconds} seconds`);
      const run = {
        everyMs: every * 1_000,
        output: createOutput(io, settings.json),
        signal: io.interrupted(),
      };
      const exchange = await exchangeOf(settings);
      const own = await ownOrganization(exchange.operator, exchange.url);
      if (own !== undefined) return streamOwn(own, run);
      await stream(exchange, openSandbox(options.folder), run);
    });
}

function addReset(group: Command, io: Io): void {
  addPeopleOptions(addSandboxOptions(group.command("reset"), io))
    .description("erase the people, and make them anew; the organization and its key stay")
    .addHelpText(
      "after",
      "\nThe same seed gives the same people. Their ids are new: nobody who was erased comes back. With the operator's key the\nfolder says which seed, days and people." +
        "\nExample: wellapi sandbox reset",
    )
    .action(async (options: PeopleOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const exchange = await exchangeOf(settings);
      const own = await ownOrganization(exchange.operator, exchange.url);
      if (own !== undefined) return resetOwn(own, wantedOf(options), createOutput(io, settings.json));
      for (const name of ["seed", "days", "people"]) {
        if (command.getOptionValueSource(name) === "cli")
          throw new CliError("usage", `the folder says with which --${name} the people were made`);
      }
      const folder = openSandbox(options.folder);
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

function addClock(group: Command, io: Io): void {
  addConnectionOptions(group.command("clock"), io)
    .description(
      "what time it is for your organization in the sandbox; with --forward its clock is moved, for its data, its consents and what is told of them",
    )
    .option("--forward <time>", "move it forward by so much: 90s, 15m, 36h, 30d; never back", duration)
    .addHelpText(
      "after",
      "\nTokens, certificates, sessions, limits and the log stay in the true time; two years (731 days) ahead is the most." +
        "\nExample: wellapi sandbox clock --forward 30d",
    )
    .action(async ({ forward }: ClockOptions, command: Command) => {
      const settings = settingsOf(command, io);
      await moveClock(await connect(settings), forward, createOutput(io, settings.json));
    });
}

function wantedOf({ seed, days, people: named }: PeopleOptions) {
  if (days < 1 || days > mostDays) throw new CliError("usage", `--days takes 1 to ${mostDays}`);
  // In one order, however they were named: the operator's folder is compared by it.
  return { seed, days, names: personNames.filter((name) => named?.includes(name) ?? true) };
}

/** A key fills its own organization alone. */
function checkNamed({ id }: OwnOrganization, named: string | undefined): void {
  if (named === undefined || named === id) return;
  throw new CliError(
    "usage",
    `the key is of ${id}, and fills no other organization: leave --organization out`,
  );
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
