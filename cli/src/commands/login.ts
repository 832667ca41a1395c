import type { Command } from "commander";
import type { Io } from "../io.ts";
import { createOutput } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

const everything = "openid offline_access patient/*.cruds";

export function addLogin(program: Command, io: Io): void {
  addConnectionOptions(program.command("login"), io)
    .description("sign in with a browser, on this or any other device; later commands act for you")
    .option("--scope <scopes>", "what the command line may do, by SMART scopes", everything)
    .addHelpText("after", "\nExample: wellapi login --scope 'openid patient/Observation.rs'")
    .action(async ({ scope }: { scope: string }, command: Command) => {
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
