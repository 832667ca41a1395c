import { createClient } from "@connectrpc/connect";
import {
  describeSteps,
  paginate,
  trustedKeys,
  verifyLogGrowth,
  verifyLoggedAccess,
  verifyWholeLog,
} from "@wellapi/client";
import {
  type Access,
  Access_Outcome,
  Access_Phase,
  LoggedAccessSchema,
} from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Command } from "commander";
import { count, nameOf, purposes } from "../arguments.ts";
import { connect, connectAnonymously } from "../connection.ts";
import { CliError } from "../failure.ts";
import { fileText } from "../file-text.ts";
import type { Io } from "../io.ts";
import { createOutput, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

const outcomes = {
  permitted: Access_Outcome.PERMITTED,
  denied: Access_Outcome.DENIED,
  undecided: Access_Outcome.UNDECIDED,
};
const phases = {
  call: Access_Phase.CALL,
  opened: Access_Phase.OPENED,
  changed: Access_Phase.CHANGED,
  closed: Access_Phase.CLOSED,
};

function row(access: Access, index: bigint): Array<string | number> {
  return [
    timeText(access.time),
    access.id,
    access.organization || access.actor?.id || "",
    access.method.split("/").at(-1) ?? "",
    nameOf(phases, access.phase),
    nameOf(outcomes, access.outcome) + (access.reason ? ` (${access.reason})` : ""),
    purposeText(access),
    access.codes.join(" "),
    String(access.items),
    position(index),
  ];
}

/** An access without a consent says so. */
function purposeText({ purpose, emergencyAccess }: Access): string {
  const name = purpose === Purpose.UNSPECIFIED ? "" : nameOf(purposes, purpose);
  return emergencyAccess === "" ? name : `${name} EMERGENCY ${emergencyAccess}`.trim();
}

function position(index: bigint): string {
  return index < 0n ? "pending" : String(index);
}

export function addAudit(program: Command, io: Io): void {
  const group = program.command("audit").description("who accessed what, and proof of it");
  addList(group, io);
  addCheckpoint(group, io);
  addVerify(group, io);
  addRepair(group, io);
}

/** The log counts no further. */
const mostCounted = 1_000;

interface ListOptions {
  readonly limit: number;
  readonly organization?: string;
  readonly category?: readonly string[];
  readonly refused?: true;
}

function filterOf({ organization = "", category = [], refused }: ListOptions) {
  if (organization === "" && category.length === 0 && refused === undefined) return undefined;
  const refusals = [Access_Outcome.DENIED, Access_Outcome.UNDECIDED];
  return { organization, categories: [...category], outcomes: refused ? refusals : [] };
}

function addList(group: Command, io: Io): void {
  addConnectionOptions(group.command("list"), io)
    .description("list the accesses that the caller may see, newest first")
    .option("--limit <n>", "how many", count, 50)
    .option("--organization <id>", "only what it did, and previews of what it sees")
    .option("--category <name...>", "only what names data of them")
    .option("--refused", "only what was not permitted")
    .addHelpText(
      "after",
      "\nExample: wellapi audit list --organization org_... --refused --as-patient pat_...",
    )
    .action(async (options: ListOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(AuditService, await connect(settings));
      const pageSize = Math.min(options.limit, 500);
      let total = 0;
      const filter = filterOf(options);
      // What fits a filter is not counted.
      const asked = filter === undefined ? { showTotalSize: true } : { filter };
      const accesses = paginate(
        (pageToken) => client.listAccesses({ pageSize, pageToken, ...asked }),
        (page) => {
          total = Math.max(total, page.totalSize);
          return page.accesses;
        },
      );
      const shown = [];
      for await (const access of accesses) if (shown.push(access) >= options.limit) break;
      const output = createOutput(io, settings.json);
      output.rows(
        LoggedAccessSchema,
        shown.slice(0, options.limit),
        ["time", "access", "who", "method", "phase", "outcome", "purpose", "codes", "items", "index"],
        (logged) =>
          logged.access
            ? row(logged.access, logged.index)
            : ["", logged.id, "damaged", "", "", "", "", "", "", position(logged.index)],
      );
      const all = total > mostCounted ? `more than ${mostCounted}` : total;
      if (total > shown.length) output.note(`the newest ${shown.length} of ${all}: --limit <n> shows more`);
    });
}

function addCheckpoint(group: Command, io: Io): void {
  addConnectionOptions(group.command("checkpoint"), io)
    .description("print the log's signed checkpoint; keep it to prove later that the log only grew")
    .addHelpText("after", "\nExample: wellapi audit checkpoint > today.checkpoint")
    .action(async (_options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const { checkpoint, verifierKey } = await createClient(
        AuditService,
        connectAnonymously(settings),
      ).getCheckpoint({});
      const output = createOutput(io, settings.json);
      output.object({ checkpoint, verifierKey }, () => checkpoint.trimEnd());
      if (!settings.json) output.note(`verifier key: ${verifierKey}`);
    });
}

function addVerify(group: Command, io: Io): void {
  addConnectionOptions(group.command("verify [access]"), io)
    .description("verify an access, or that the log only grew since a checkpoint; trusts only the key")
    .option(
      "--verifier-key <key>",
      "the log's public key, from a place that you trust (default: ask the log)",
    )
    .option("--since <file>", "an older checkpoint: prove that today's log contains that log")
    .option(
      "--full",
      "fetch every entry and tile of the log, and name each that is not what the log has signed",
      false,
    )
    .addHelpText(
      "after",
      "\nExample: wellapi audit verify acc_... --as-patient pat_... --verifier-key 'wellapi.local/log+...'",
    )
    .action(
      async (
        id: string | undefined,
        options: { verifierKey?: string; since?: string; full: boolean },
        command: Command,
      ) => {
        const settings = settingsOf(command, io);
        if (!id && !options.since && !options.full)
          throw new CliError(
            "usage",
            "say what to verify: an access, --since FILE, --full, or several of them",
          );
        if (options.verifierKey !== undefined) checkKey(options.verifierKey);
        const open = createClient(AuditService, connectAnonymously(settings));
        const verifierKey = options.verifierKey ?? (await open.getCheckpoint({})).verifierKey;
        const keys = await trustedKeys(open, verifierKey);
        const findings: Record<string, string | number> = { verifierKey, currentKey: keys.current };
        const news = describeSteps(keys);
        if (options.since) {
          const grown = await verifyLogGrowth(open, fileText(options.since), verifierKey);
          findings.grewFrom = grown.from;
          findings.grewTo = grown.to;
        }
        if (id) {
          const client = createClient(AuditService, await connect(settings));
          const verified = await verifyLoggedAccess(client, id, verifierKey);
          findings.access = id;
          findings.index = verified.index;
          findings.size = verified.size;
        }
        if (options.full)
          findings.whole = await verifyFull(open, verifierKey, createOutput(io, settings.json));
        const lines = [
          ...(options.full
            ? [`✓ all ${findings.whole} entries and their tiles are what the log has signed`]
            : []),
          ...(id ? [`✓ ${id} is entry ${findings.index} of a log of ${findings.size}, unchanged`] : []),
          ...(options.since
            ? [`✓ the log of ${findings.grewTo} contains the log of ${findings.grewFrom}`]
            : []),
          ...news,
          ...(options.verifierKey ? [] : ["! the key came from the log itself: pin it with --verifier-key"]),
        ];
        createOutput(io, settings.json).object({ verified: true, ...findings }, () => lines.join("\n"));
      },
    );
}

/** A key that is cut off is told here: later on it looks as if the log were not genuine. */
function checkKey(key: string): void {
  if (/^[^+\s]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$/.test(key)) return;
  throw new CliError(
    "usage",
    `--verifier-key ${key} is no public key of a log: pass all of name+hash+key, as \`wellapi start\` prints it`,
  );
}

/** The log's size, where it is whole. Prints each finding, one a line. */
async function verifyFull(
  audit: Parameters<typeof verifyWholeLog>[0],
  verifierKey: string,
  output: ReturnType<typeof createOutput>,
): Promise<number> {
  const { size, findings } = await verifyWholeLog(audit, verifierKey, (entries) => {
    if (entries % 25_600 === 0) output.note(`${entries} entries`);
  });
  if (findings.length === 0) return size;
  for (const { start, end, what } of findings) {
    output.line(
      output.json ? JSON.stringify({ start, end, what }) : `✗ entries ${start} to ${end - 1}: ${what}`,
    );
  }
  const count = findings.length === 1 ? "1 finding" : `${findings.length} findings`;
  throw new CliError("damage", `NOT VERIFIED: ${count} in a log of ${size} entries: see above`);
}

function addRepair(group: Command, io: Io): void {
  group
    .command("repair")
    .description("put back damaged entries of a stopped exchange's log; takes only what the log has signed")
    .option("--data <folder>", "its data folder (default: WELLAPI_DATA_DIR)")
    .option("--from <place>", "copies of the entries: the folder of a backup, or a mirror, https://.../log/")
    .option("--json", "print JSON", false)
    .addHelpText(
      "after",
      `
Example: wellapi audit repair --from /backups/2026-01-31

Each access keeps a copy of its own entry, which is tried first. Exit code 0 where all is whole, 9 where something is left.`,
    )
    .action(async ({ data, from, json }: { data?: string; from?: string; json: boolean }) => {
      const { runRepairLog } = await import("@wellapi/host");
      const repair = await runRepairLog({ env: io.env, dataDir: data, from });
      const { repaired, tree, left } = repair;
      const lines = [
        ...(tree ? ["the stored tree was made again: the entries lead to the published root"] : []),
        ...repaired.map((index) => `entry ${index} was put back`),
        ...left.map(
          ({ start, end }) => `✗ entries ${start} to ${end - 1}: no copy of what is damaged was found`,
        ),
      ];
      createOutput(io, json).object(repair, () =>
        lines.length === 0 ? "the log is whole" : lines.join("\n"),
      );
      if (left.length > 0) {
        throw new CliError(
          "damage",
          "something is left: name another copy with --from (docs/operations.md, Damage)",
        );
      }
    });
}
