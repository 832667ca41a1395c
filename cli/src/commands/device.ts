import { create } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { type DevicePriority, DevicePrioritySchema } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { type Command, InvalidArgumentError } from "commander";
import { connect } from "../connection.ts";
import { patientOf } from "../delegation-text.ts";
import type { Io } from "../io.ts";
import { createOutput, type Output, table } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

interface DeviceOptions {
  readonly patient?: string;
  readonly etag?: string;
}

interface Ranked {
  readonly organization: string;
  readonly deviceId: string;
}

/** `org_...:dev_...`, or `org_...` for what an organization sends without a device. */
function ranked(text: string, before: Ranked[] = []): Ranked[] {
  const [organization = "", deviceId = "", ...more] = text.split(":");
  if (organization === "" || more.length > 0) {
    throw new InvalidArgumentError("use org_...:dev_..., or org_... for data without a device");
  }
  return [...before, { organization, deviceId }];
}

export function addDevice(program: Command, io: Io): void {
  const group = program
    .command("device")
    .description("a patient's order of devices, by which series merge chooses");
  addConnectionOptions(group.command("order"), io)
    .description("show the order, from the device to believe first on")
    .option("--patient <id>", "the patient")
    .addHelpText("after", "\nExample: wellapi device order --patient pat_...")
    .action(async ({ patient: named }: DeviceOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const patient = patientOf(named, settings);
      const client = createClient(RecordsService, await connect(settings));
      const { priority } = await client.getDevicePriority({ patient });
      print(createOutput(io, settings.json), priority);
    });
  addConnectionOptions(group.command("rank"), io)
    .description("replace the order; it holds for every reader of merged lines from then on")
    .argument("<device...>", "org_...:dev_..., or org_... for data without a device", ranked)
    .option("--patient <id>", "the patient")
    .option("--etag <etag>", "of the order that it replaces: refused where it has changed since")
    .addHelpText(
      "after",
      "\nExample: wellapi device rank org_...:dev_... org_... --patient pat_...\n\n" +
        "`wellapi series list --json` has the ids; what is not named comes last.",
    )
    .action(async (devices: Ranked[], options: DeviceOptions, command: Command) => {
      await set(io, command, options, devices);
    });
  addConnectionOptions(group.command("unrank"), io)
    .description("take the order back: there is none any more")
    .option("--patient <id>", "the patient")
    .option("--etag <etag>", "of the order: refused where it has changed since")
    .addHelpText("after", "\nExample: wellapi device unrank --patient pat_...")
    .action((options: DeviceOptions, command: Command) => set(io, command, options, []));
}

async function set(
  io: Io,
  command: Command,
  { patient: named, etag = "" }: DeviceOptions,
  devices: readonly Ranked[],
): Promise<void> {
  const settings = settingsOf(command, io);
  const patient = patientOf(named, settings);
  const client = createClient(RecordsService, await connect(settings));
  const { priority } = await client.setDevicePriority({ patient, devices: [...devices], etag });
  print(createOutput(io, settings.json), priority);
}

function print(output: Output, priority: DevicePriority = create(DevicePrioritySchema)): void {
  output.message(DevicePrioritySchema, priority, () => {
    const { devices } = priority;
    if (devices.length === 0) return "none";
    const rows = devices.map(({ organization, deviceId }, at) => [at + 1, organization, deviceId]);
    return table(["place", "organization", "device"], rows);
  });
}
