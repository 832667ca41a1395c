import { mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Clock, version } from "@wellapi/runtime";
import type { Registry, ServiceDescriptor } from "@wellapi/service";
import { HostError } from "../errors.ts";
import { installationFile } from "../master-key/place.ts";
import { services } from "../services.ts";
import { type BackupContent, describeFile, type Manifest, syncFolder, writeManifest } from "./manifest.ts";

/** The source of a backup: a running exchange, or the files of a stopped one. */
export interface BackupSource {
  readonly trustDomain: string;
  /**
   * Copies a file of the data folder to a new path; the copy shows one moment of the file and is on disk when it
   * resolves. False where the file is missing.
   */
  copy(file: string, to: string): Promise<boolean>;
  /** The signed head of the log, as published now. */
  checkpoint(): Promise<string | undefined>;
}

/**
 * Each store is copied at another moment, so the order matters. Senders come before receivers: a leaf or an event
 * in transit is then in one of the two, or in both, and its id makes it one. Documents that refer to others
 * come before those others. So callers come before the services that they call, events after all their publishers, and
 * consumers of events after the events: also after a publisher that they call, whose documents they name in vain if these came
 * later than its copy. A consumer asks for what an event names, and takes "there is none" for an answer.
 *
 * The log receives leaves from everybody, so it comes last although it publishes, too: an event of its that is in transit
 * meanwhile is missing in the copy, and its access is in the log all the same.
 */
export function dataFiles(registry: Registry): readonly string[] {
  const services = registry.services.toReversed();
  const stored = services.filter(({ store }) => store !== undefined);
  const consumers = stored.filter(({ consumes }) => consumes !== undefined);
  const others = stored.filter((service) => !consumers.includes(service));
  const publishers = others.findLastIndex(publishesBefore) + 1;
  const file = ({ name }: ServiceDescriptor) => `${name}.db`;
  return [
    ...services
      .filter(({ needs }) => needs.includes("access_log"))
      .map(({ name }) => `reserves/${name}.leaves`),
    ...others.slice(0, publishers).map(file),
    "events.db",
    ...consumers.map(file),
    ...others.slice(publishers).map(file),
  ];
}

function publishesBefore({ needs, provides }: ServiceDescriptor): boolean {
  return needs.includes("events") && provides?.includes("access_log") !== true;
}

export const keyFile = "keys/patient-keys.db";

/**
 * Makes a backup in an empty or missing folder. It never holds the master key or the journal. Throws HostError; the
 * folder then has no manifest and is not a backup.
 */
export async function takeBackup(
  source: BackupSource,
  options: { readonly folder: string; readonly content: BackupContent; readonly clock: Clock },
): Promise<Manifest> {
  const { folder, content, clock } = options;
  const now = () => new Date(clock.now()).toISOString();
  const startTime = now();
  await prepare(folder);
  // Read before the stores, which then contain it.
  const checkpoint = content === "data" ? await source.checkpoint() : undefined;
  const copied: string[] = [];
  for (const file of content === "data" ? [...dataFiles(services), installationFile] : [keyFile]) {
    const to = join(folder, file);
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    if (await source.copy(file, to)) copied.push(file);
    await syncFolder(dirname(to));
  }
  if (!copied.some((file) => file.endsWith(".db"))) {
    throw new HostError("data_folder", "there is no data to back up: name its folder with WELLAPI_DATA_DIR");
  }
  const files = await Promise.all(copied.map((file) => describeFile(folder, file)));
  const { trustDomain } = source;
  const manifest: Manifest = {
    format: "wellapi-backup/1",
    content,
    version,
    trustDomain,
    startTime,
    endTime: now(),
    ...(checkpoint === undefined ? {} : { checkpoint }),
    files,
  };
  await writeManifest(folder, manifest);
  return manifest;
}

async function prepare(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if ((await readdir(folder)).length === 0) return;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HostError("backup_folder", `cannot write a backup into ${folder} (${reason})`, { cause });
  }
  throw new HostError("backup_folder", `${folder} is not empty: name a new folder for each backup`);
}
