import { type Connection, connectAsPatient, connect as connectBy, issuePatientToken } from "@wellapi/client";
import { CliError } from "./failure.ts";
import type { Settings } from "./settings.ts";

/** The gateway without a credential, for public RPCs and files. */
export function connectAnonymously({ url }: Settings): Connection {
  return connectBy({ url });
}

/** The gRPC door with a client certificate. */
export function connectDoor({ grpcUrl, certificate }: Settings): Connection {
  if (!certificate) {
    throw new CliError(
      "usage",
      "this needs a client certificate: pass --credentials FOLDER (made by `wellapi credential issue`)",
    );
  }
  return connectBy({ url: grpcUrl, certificate });
}

/** Uses the credential of the settings: a patient's token, a certificate, an API key, or the sign-in of `wellapi login`. */
export async function connect(settings: Settings): Promise<Connection> {
  const { url, apiKey, token, asPatient } = settings;
  if (asPatient) {
    if (!apiKey) {
      throw new CliError(
        "usage",
        "--as-patient needs the operator's key: set WELLAPI_API_KEY or --api-key-file",
      );
    }
    return connectAsPatient({ url, operatorKey: apiKey, patient: asPatient });
  }
  if (token) return connectBy({ url, token });
  if (settings.certificate) return connectDoor(settings);
  if (apiKey) return connectBy({ url, apiKey });
  const login = await savedLogin(settings);
  if (login !== undefined) return connectBy({ url, token: login });
  throw new CliError(
    "usage",
    "no credential: sign in with `wellapi login`, or set WELLAPI_API_KEY (make start prints the operator's at first start), " +
      "or pass --api-key-file, --token-file, --credentials or --as-patient",
  );
}

/** The secret of the settings for files over HTTP: a token, an API key, or the sign-in of `wellapi login`. */
export async function secretOf(settings: Settings): Promise<string> {
  const { url, apiKey, token, asPatient } = settings;
  if (asPatient && apiKey) return issuePatientToken(connectBy({ url, apiKey }), asPatient);
  const secret = token ?? apiKey ?? (await savedLogin(settings));
  if (secret !== undefined) return secret;
  throw new CliError(
    "usage",
    "no credential: sign in with `wellapi login`, or pass --token-file, --api-key-file or --as-patient",
  );
}

/** Loaded only where nothing else was given: most of a short call is loading. */
async function savedLogin({ url, env }: Settings): Promise<string | undefined> {
  const { loggedIn } = await import("./login.ts");
  return loggedIn(url, env);
}
