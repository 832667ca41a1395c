import type { CommandStartedEvent } from "mongodb";

export type Command = Readonly<Record<string, unknown>>;

/** A copy of each command with what the driver adds, as the server gets it. */
export function recordCommands() {
  const commands: Command[] = [];
  return {
    commands,
    onCommand: (event: CommandStartedEvent) => void commands.push({ ...event.command }),
  };
}

/** Not on shards: the lanes of ticks and the lease of the migration. */
const unsharded = ["_outbox_lanes", "_leases"];
/** Store-wide by the port's contract: the outbox, and scans of an index that does not begin with the partition. */
const storeWide = ["find _outbox", "delete _outbox"];
/** The indexes of the suite that do not begin with the partition. */
const storeWideHint = /^by_(tag_rank|email)_[0-9a-f]{8}$/;

/** What a list of commands breaks of the engine's promises, one line each. */
export function findViolations(commands: readonly Command[]): string[] {
  const partitions = new Map<string, Set<unknown>>();
  const problems: string[] = [];
  for (const command of commands) {
    const [name = "", collection] = Object.entries(command)[0] ?? [];
    const place = `${name} ${typeof collection === "string" ? collection : ""}`.trim();
    const add = (problem: string) => problems.push(`${place}: ${problem}`);
    if (!["insert", "update", "delete", "find", "findAndModify", "commitTransaction"].includes(name))
      continue;
    const inTransaction = command.autocommit === false;
    const keys = shardKeys(name, command);
    const exempt =
      unsharded.includes(String(collection)) ||
      storeWide.includes(place) ||
      (name === "find" && storeWideHint.test(String(command.hint)));
    if (!exempt && keys.some((key) => typeof key !== "string")) add("has no shard key");
    if (inTransaction) {
      const id = `${JSON.stringify(command.lsid)} ${command.txnNumber}`;
      const met = partitions.get(id) ?? new Set();
      partitions.set(id, met);
      for (const key of keys) met.add(key);
      if (met.size > 1) add("meets two shards in one transaction");
      if (command.startTransaction && levelOf(command) !== "majority") add("reads less than the majority's");
      if (name === "commitTransaction" && !isDurable(command)) add("is not durable on a majority");
      if (name === "commitTransaction" && !command.maxTimeMS) add("has no time limit");
      if (command.writeConcern && name !== "commitTransaction") add("has a write concern of its own");
    } else if (name === "find") {
      const byKey = /^key_/.test(String(command.hint)) && !command.sort;
      const one = ["_commits", "_leases"].includes(String(collection));
      const wanted = byKey || one ? "linearizable" : "snapshot";
      if (levelOf(command) !== wanted) add(`is not ${wanted}`);
      if (!command.maxTimeMS) add("has no time limit");
      if (!exempt && !command.hint && !one) add("names no index");
    } else {
      if (!isDurable(command)) add("is not durable on a majority");
      if (!exempt) add("writes outside a transaction");
    }
    const preference = (command.$readPreference as { mode?: string } | undefined)?.mode ?? "primary";
    if (!preference.startsWith("primary")) add("may read from a secondary");
  }
  return problems;
}

function shardKeys(name: string, command: Command): unknown[] {
  const list = (field: string) => command[field] as ReadonlyArray<Record<string, Command>>;
  switch (name) {
    case "insert":
      return list("documents").map((document) => document.partition);
    case "update":
      return list("updates").map(({ q }) => q?.partition);
    case "delete":
      return list("deletes").map(({ q }) => q?.partition);
    case "find":
      return [(command.filter as Command).partition];
    default:
      return [];
  }
}

function levelOf(command: Command): unknown {
  return (command.readConcern as { level?: string } | undefined)?.level;
}

function isDurable(command: Command): boolean {
  const { w, j } = (command.writeConcern ?? {}) as { w?: unknown; j?: unknown };
  return w === "majority" && j === true;
}
