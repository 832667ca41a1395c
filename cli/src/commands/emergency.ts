import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { paginate } from "@wellapi/client";
import {
  type EmergencyAccess,
  EmergencyAccess_State,
  EmergencyAccessSchema,
  EmergencySettingsSchema,
} from "@wellapi/gen/wellapi/consent/v1/emergency_pb";
import { EmergencyService } from "@wellapi/gen/wellapi/consent/v1/emergency_service_pb";
import type { Command } from "commander";
import { nameOf } from "../arguments.ts";
import { connect } from "../connection.ts";
import { CliError } from "../failure.ts";
import type { Io } from "../io.ts";
import { createOutput, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

const states = {
  open: EmergencyAccess_State.OPEN,
  ended: EmergencyAccess_State.ENDED,
  expired: EmergencyAccess_State.EXPIRED,
};

interface OpenOptions {
  readonly patient?: string;
  readonly code?: string;
  readonly reason: string;
  readonly requestId?: string;
}

interface EndOpenOptions {
  readonly organization?: string;
  readonly clinician?: string;
}

function row(access: EmergencyAccess): string[] {
  const { id, patient, organization, clinician, reason, state, createTime, expireTime, endTime } = access;
  const until = timeText(endTime ?? expireTime);
  return [timeText(createTime), id, patient, organization, clinician, nameOf(states, state), until, reason];
}

const columns = ["opened", "access", "patient", "organization", "clinician", "state", "until", "reason"];

export function addEmergency(program: Command, io: Io): void {
  const group = program.command("emergency").description("reading without a consent in an emergency");
  addOpen(group, io);
  addAccesses(group, io);
  addEndOpen(group, io);
  addCode(group, io);
  addRefusal(group, io);
}

function addOpen(group: Command, io: Io): void {
  addConnectionOptions(group.command("open"), io)
    .description("open emergency access for an hour; a clinician's, within five minutes of signing in")
    .option("--patient <id>", "a patient whom the organization knows")
    .option("--code <code>", "the patient's emergency code")
    .requiredOption("--reason <text>", "why; the patient reads it")
    .option("--request-id <id>", "sending it again gives the same access")
    .addHelpText(
      "after",
      '\nExample: wellapi emergency open --code 7K2M-QX4R-9TBD --reason "found unconscious, no relatives here"',
    )
    .action(async (options: OpenOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const { patient, code, reason, requestId = randomUUID() } = options;
      if ((patient === undefined) === (code === undefined)) {
        throw new CliError("usage", "name the patient: pass --patient, or --code, and not both");
      }
      const client = createClient(EmergencyService, await connect(settings));
      const { emergencyAccess } = await client.openEmergencyAccess({
        who:
          patient === undefined
            ? { case: "emergencyCode", value: code! }
            : { case: "patient", value: patient },
        reason,
        requestId,
      });
      if (emergencyAccess === undefined) return;
      createOutput(io, settings.json).message(EmergencyAccessSchema, emergencyAccess, () => {
        const { id, patient: named, expireTime } = emergencyAccess;
        return `${id} is open until ${timeText(expireTime)}: read patient ${named} with --purpose emergency. The patient is told.`;
      });
    });
}

function addAccesses(group: Command, io: Io): void {
  addConnectionOptions(group.command("list"), io)
    .description("list emergency accesses: a patient's, a clinician's own, or the privacy officer's all")
    .addHelpText("after", "\nExample: wellapi emergency list --as-patient pat_...")
    .action(async (_options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(EmergencyService, await connect(settings));
      const accesses = await Array.fromAsync(
        paginate(
          (pageToken) => client.listEmergencyAccesses({ pageToken }),
          (page) => page.emergencyAccesses,
        ),
      );
      createOutput(io, settings.json).rows(EmergencyAccessSchema, accesses, columns, row);
    });
  addConnectionOptions(group.command("end <access>"), io)
    .description("end one at once, before its hour is over")
    .addHelpText("after", "\nExample: wellapi emergency end emg_... --as-patient pat_...")
    .action(async (id: string, _options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(EmergencyService, await connect(settings));
      const { emergencyAccess } = await client.endEmergencyAccess({ emergencyAccess: id });
      if (emergencyAccess === undefined) return;
      createOutput(io, settings.json).message(
        EmergencyAccessSchema,
        emergencyAccess,
        () => `${id} ${nameOf(states, emergencyAccess.state)}`,
      );
    });
}

function addEndOpen(group: Command, io: Io): void {
  addConnectionOptions(group.command("end-open"), io)
    .description("end all that are open, of an organization or of one person; the privacy officer's")
    .option("--organization <id>", "of all its clinicians")
    .option("--clinician <account>", "of this person, in whatever organization")
    .addHelpText("after", "\nExample: wellapi emergency end-open --clinician usr_...")
    .action(async ({ organization, clinician }: EndOpenOptions, command: Command) => {
      const settings = settingsOf(command, io);
      if ((organization === undefined) === (clinician === undefined)) {
        throw new CliError("usage", "say whose: pass --organization, or --clinician, and not both");
      }
      const client = createClient(EmergencyService, await connect(settings));
      const { endedCount } = await client.endOpenEmergencyAccesses({
        whose:
          organization === undefined
            ? { case: "clinician", value: clinician! }
            : { case: "organization", value: organization },
      });
      createOutput(io, settings.json).object({ endedCount }, () => `ended: ${endedCount}`);
    });
}

function addCode(group: Command, io: Io): void {
  addConnectionOptions(group.command("code"), io)
    .description("make the patient's emergency code, for a card; shown once, and the one of before ends")
    .option("--withdraw", "withdraw it instead", false)
    .addHelpText("after", "\nExample: wellapi emergency code --as-patient pat_...")
    .action(async ({ withdraw }: { withdraw: boolean }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(EmergencyService, await connect(settings));
      const output = createOutput(io, settings.json);
      if (withdraw) {
        await client.deleteEmergencyCode({});
        return output.object({ withdrawn: true }, () => "withdrawn");
      }
      const { emergencyCode } = await client.createEmergencyCode({});
      output.object({ emergencyCode }, () => emergencyCode);
    });
}

function addRefusal(group: Command, io: Io): void {
  const add = (name: "refuse" | "allow" | "status", description: string) => {
    addConnectionOptions(group.command(name), io)
      .description(description)
      .addHelpText("after", `\nExample: wellapi emergency ${name} --as-patient pat_...`)
      .action(async (_options: object, command: Command) => {
        const settings = settingsOf(command, io);
        const client = createClient(EmergencyService, await connect(settings));
        const answers = {
          refuse: () => client.refuseEmergencyAccess({}),
          allow: () => client.allowEmergencyAccess({}),
          status: () => client.getEmergencySettings({}),
        };
        const { settings: now } = await answers[name]();
        if (now === undefined) return;
        createOutput(io, settings.json).message(EmergencySettingsSchema, now, () => {
          const refused = now.refused ? `refused since ${timeText(now.refuseTime)}` : "possible";
          const code = now.codeCreateTime ? `a code, made ${timeText(now.codeCreateTime)}` : "no code";
          return `emergency access is ${refused}; there is ${code}`;
        });
      });
  };
  add("refuse", "not even in an emergency: ends what is open, and nobody opens any more");
  add("allow", "make emergency access possible again");
  add("status", "what the patient says about emergencies");
}
