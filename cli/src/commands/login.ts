import { type Command, Option } from "commander";
import type { Io } from "../io.ts";
import { createOutput } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

/** What the command line may do, by whom it acts as. */
const scopesOf = {
  patient: "openid offline_access patient/*.cruds wellapi:carers",
  account: "openid offline_access wellapi:account",
  member: "openid offline_access wellapi:organization",
  staff: "openid offline_access wellapi:staff",
} as const;

export function addLogin(program: Command, io: Io): void {
  addConnectionOptions(program.command("login"), io)
    .description("sign in with a browser, on this or any other device; later commands act for you")
    .addOption(
      new Option("--as <whom>", "as whom later commands act")
        .choices(Object.keys(scopesOf))
        .default("patient"),
    )
    .option("--scope <scopes>", "what the command line may do, by SMART scopes, instead of all of it")
    .addHelpText(
      "after",
      "\nExample: wellapi login --scope 'openid patient/Observation.rs'\n" +
        "         wellapi login --as staff\n\n" +
        "As a member, as staff or for the account, it lasts 12 hours; what asks for a fresh sign-in works for five minutes after it.",
    )
    .action(async (options: { as: keyof typeof scopesOf; scope?: string }, command: Command) => {
      const scope = options.scope ?? scopesOf[options.as];
      const { logIn } = await import("../login.ts");
      const { url, json } = settingsOf(command, io);
      const output = createOutput(io, json);
      await logIn({
        url,
        scope,
        env: io.env,
        signal: io.interrupted(),
        show({ userCode, verificationUri, completeUri, expiresInSeconds }) {
          const minutes = Math.round(expiresInSeconds / 60);
          output.note(`Open ${completeUri ?? verificationUri}`);
          output.note(`and agree only if it shows the code ${userCode}, within ${minutes} minutes.`);
        },
      });
      output.object({ signedIn: url }, () => `signed in at ${url}`);
    });
}

export function addLogout(program: Command, io: Io): void {
  addConnectionOptions(program.command("logout"), io)
    .description("end the sign-in of `wellapi login`, here and at the exchange")
    .addHelpText("after", "\nExample: wellapi logout")
    .action(async (_options: object, command: Command) => {
      const { logOut } = await import("../login.ts");
      const { url, json } = settingsOf(command, io);
      const ended = await logOut(url, io.env);
      createOutput(io, json).object({ signedOut: ended }, () =>
        ended ? `signed out at ${url}` : `nobody was signed in at ${url}`,
      );
    });
}
