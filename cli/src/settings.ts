import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { CliError } from "./failure.ts";
import type { Io } from "./io.ts";

/** The exchange to call, and the credential. Options win over the environment. */
export interface Settings {
  readonly url: string;
  readonly grpcUrl: string;
  readonly apiKey?: string;
  readonly token?: string;
  /** The folder of `certificate`. */
  readonly credentials?: string;
  readonly certificate?: { readonly cert: string; readonly key: string; readonly ca: string };
  /** Act as this patient (sandbox): a token is issued with the operator's key first. */
  readonly asPatient?: string;
  readonly json: boolean;
  /** Of the process: where the sign-in of `wellapi login` lies. */
  readonly env: Io["env"];
}

/** Options that every command that calls the exchange takes. */
export function addConnectionOptions(command: Command, { env }: Io): Command {
  return command
    .option("--url <url>", "the gateway", env.WELLAPI_URL ?? "http://localhost:7080")
    .option("--grpc-url <url>", "the gRPC door", env.WELLAPI_GRPC_URL ?? "https://localhost:7443")
    .option("--api-key-file <file>", "file with the API key (or set WELLAPI_API_KEY)")
    .option("--token-file <file>", "file with a patient's token (or set WELLAPI_TOKEN)")
    .option("--credentials <folder>", "folder with cert.pem, key.pem, ca.pem (or set WELLAPI_CREDENTIALS)")
    .option("--as-patient <id>", "act as this patient, by a token that the operator's key issues (sandbox)")
    .option("--json", "print JSON, one document a line", false);
}

function fileText(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    throw new CliError("usage", `cannot read ${path}: name a file that exists and that you may read`, {
      cause,
    });
  }
}

/** Reads the settings of a command from its options and the environment. */
export function settingsOf(command: Command, { env }: Io): Settings {
  const options = command.optsWithGlobals<Record<string, string | boolean | undefined>>();
  const text = (name: string) => (typeof options[name] === "string" ? (options[name] as string) : undefined);
  const apiKeyFile = text("apiKeyFile");
  const tokenFile = text("tokenFile");
  const folder = text("credentials") ?? env.WELLAPI_CREDENTIALS;
  const apiKey = apiKeyFile ? fileText(apiKeyFile) : env.WELLAPI_API_KEY;
  const token = tokenFile ? fileText(tokenFile) : env.WELLAPI_TOKEN;
  const asPatient = text("asPatient");
  return {
    url: text("url") ?? "",
    grpcUrl: text("grpcUrl") ?? "",
    json: options.json === true,
    env,
    ...(apiKey ? { apiKey } : {}),
    ...(token ? { token } : {}),
    ...(asPatient ? { asPatient } : {}),
    ...(folder
      ? {
          credentials: folder,
          certificate: {
            cert: fileText(`${folder}/cert.pem`),
            key: fileText(`${folder}/key.pem`),
            ca: fileText(`${folder}/ca.pem`),
          },
        }
      : {}),
  };
}
