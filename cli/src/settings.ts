import { createPrivateKey, X509Certificate } from "node:crypto";
import type { Command } from "commander";
import { CliError } from "./failure.ts";
import { fileText } from "./file-text.ts";
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

/** A secret from a file, of which an empty one is not taken for none. */
function secretIn(path: string): string {
  const secret = fileText(path, "usage").trim();
  if (secret === "") throw new CliError("usage", `${path} is empty: it should hold a key or a token`);
  return secret;
}

/** The address that an option or the environment gives; empty for commands without. Throws CliError `usage`. */
function address(option: string, text: string | undefined, protocols: readonly string[]): string {
  if (text === undefined) return "";
  if (protocols.includes(URL.parse(text)?.protocol ?? "")) return text;
  const wanted = protocols.map((protocol) => `${protocol}//`).join(" or ");
  throw new CliError(
    "usage",
    `${option} ${text} is no address: write it with ${wanted} in front, for example ${protocols[0]}//localhost:7080`,
  );
}

/** The certificate in a folder, and its key. Throws CliError `usage`: a connection would only say that it failed. */
function certificateIn(folder: string): NonNullable<Settings["certificate"]> {
  const [certPath, keyPath, caPath] = [`${folder}/cert.pem`, `${folder}/key.pem`, `${folder}/ca.pem`];
  const [cert, key, ca] = [
    fileText(certPath, "usage"),
    fileText(keyPath, "usage"),
    fileText(caPath, "usage"),
  ];
  const certificate = parsed(certPath, "a certificate", () => new X509Certificate(cert));
  parsed(caPath, "a certificate", () => new X509Certificate(ca));
  if (!certificate.checkPrivateKey(parsed(keyPath, "a private key", () => createPrivateKey(key)))) {
    throw new CliError("usage", `${keyPath} is not the key of ${certPath}: take both from one folder`);
  }
  return { cert, key, ca };
}

function parsed<T>(path: string, what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    const hint = "`wellapi credential issue` and `wellapi credential enroll` make the folder";
    throw new CliError("usage", `${path} does not hold ${what} in PEM: ${hint}`, { cause });
  }
}

/** Reads the settings of a command from its options and the environment. */
export function settingsOf(command: Command, { env }: Io): Settings {
  const options = command.optsWithGlobals<Record<string, string | boolean | undefined>>();
  const text = (name: string) => (typeof options[name] === "string" ? (options[name] as string) : undefined);
  const apiKeyFile = text("apiKeyFile");
  const tokenFile = text("tokenFile");
  const folder = text("credentials") ?? env.WELLAPI_CREDENTIALS;
  const apiKey = apiKeyFile ? secretIn(apiKeyFile) : env.WELLAPI_API_KEY;
  const token = tokenFile ? secretIn(tokenFile) : env.WELLAPI_TOKEN;
  const asPatient = text("asPatient");
  return {
    url: address("--url", text("url"), ["http:", "https:"]),
    grpcUrl: address("--grpc-url", text("grpcUrl"), ["https:"]),
    json: options.json === true,
    env,
    ...(apiKey ? { apiKey } : {}),
    ...(token ? { token } : {}),
    ...(asPatient ? { asPatient } : {}),
    ...(folder
      ? {
          credentials: folder,
          certificate: certificateIn(folder),
        }
      : {}),
  };
}
