import { createClient } from "@connectrpc/connect";
import { LimitService, type Limits, LimitsSchema } from "@wellapi/gen/wellapi/identity/v1/limit_service_pb";
import { type Command, InvalidArgumentError } from "commander";
import { connect } from "../connection.ts";
import type { Io } from "../io.ts";
import { createOutput, type Output, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

/** Names of the options, and the fields that they change. */
const rates = {
  organizationRate: "organization_rate",
  applicationRate: "application_rate",
  credentialRate: "credential_rate",
  patientRate: "patient_rate",
} as const;

type RateName = keyof typeof rates;
type RateOptions = Partial<Record<RateName, number>>;
const rateNames = Object.keys(rates) as readonly RateName[];

export function addLimits(program: Command, io: Io): void {
  const group = program.command("limits").description("what callers may spend, in units a second");
  addConnectionOptions(group.command("get [organization]"), io)
    .description("show what is set for an organization, or without one for the installation")
    .addHelpText("after", "\nExample: wellapi limits get org_...")
    .action(async (organization: string | undefined, _options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(LimitService, await connect(settings));
      const { limits } = await client.getLimits({ organization: organization ?? "" });
      if (limits) show(createOutput(io, settings.json), limits);
    });
  addConnectionOptions(group.command("set [organization]"), io)
    .description("set rates of an organization, or without one of the installation; 0: no longer set")
    .option("--organization-rate <units>", "all its applications together", rate)
    .option("--application-rate <units>", "each application", rate)
    .option("--credential-rate <units>", "each credential of an application", rate)
    .option("--patient-rate <units>", "each patient, of the installation only", rate)
    .addHelpText("after", "\nExample: wellapi limits set org_... --organization-rate 200")
    .action(async (organization: string | undefined, options: RateOptions, command: Command) => {
      const named = rateNames.filter((name) => options[name] !== undefined);
      if (named.length === 0) command.error("error: say which rate to set");
      const settings = settingsOf(command, io);
      const client = createClient(LimitService, await connect(settings));
      const { limits } = await client.updateLimits({
        limits: {
          organization: organization ?? "",
          ...Object.fromEntries(named.map((name) => [name, options[name]])),
        },
        updateMask: { paths: named.map((name) => rates[name]) },
      });
      if (limits) show(createOutput(io, settings.json), limits);
    });
}

function rate(text: string): number {
  if (!/^\d{1,8}$/.test(text)) throw new InvalidArgumentError("expected a whole number of units a second");
  return Number(text);
}

function show(output: Output, limits: Limits): void {
  output.message(LimitsSchema, limits, () =>
    [
      limits.organization || "installation",
      ...rateNames.map((name) => `${rates[name]} ${limits[name] === 0 ? "not set" : limits[name]}`),
      ...(limits.updateTime ? [`changed ${timeText(limits.updateTime)}`] : []),
    ].join("\n"),
  );
}
