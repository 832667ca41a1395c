import { randomUUID } from "node:crypto";
import { createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { openGrpcTransport } from "@wellapi/rpc";
import { CliError } from "./failure.ts";
import type { Settings } from "./settings.ts";

function bearer(secret: string): Interceptor {
  return (next) => (request) => {
    request.header.set("authorization", `Bearer ${secret}`);
    return next(request);
  };
}

function gateway(settings: Settings, secret?: string): Transport {
  return createConnectTransport({
    baseUrl: settings.url,
    httpVersion: "1.1",
    useBinaryFormat: true,
    interceptors: secret ? [bearer(secret)] : [],
  });
}

/** The gateway without a credential, for what is open to anyone. */
export function connectAnonymously(settings: Settings): Transport {
  return gateway(settings);
}

/** More than the door takes: what is too large is the door's to say. */
const largestMessage = 16 * 1_048_576;

/** The gRPC door with a client certificate. */
export function connectDoor(settings: Settings): Transport {
  const { certificate } = settings;
  if (!certificate) {
    throw new CliError(
      "usage",
      "this needs a client certificate: pass --credentials FOLDER (made by `wellapi credential issue`)",
    );
  }
  const { cert, key, ca } = certificate;
  const { transport } = openGrpcTransport({
    address: new URL(settings.grpcUrl).host,
    tls: { serverAuthority: ca, certificate: cert, privateKey: key },
    messageBytes: largestMessage,
  });
  return transport;
}

/** By the credential that the settings name: a patient's token, a certificate, or an API key. */
export async function connect(settings: Settings): Promise<Transport> {
  if (settings.asPatient) {
    if (!settings.apiKey) {
      throw new CliError(
        "usage",
        "--as-patient needs the operator's key: set WELLAPI_API_KEY or --api-key-file",
      );
    }
    const tokens = createClient(TokenService, gateway(settings, settings.apiKey));
    const { token } = await tokens.issuePatientToken({
      requestId: randomUUID(),
      patient: settings.asPatient,
    });
    return gateway(settings, token);
  }
  if (settings.token) return gateway(settings, settings.token);
  if (settings.certificate) return connectDoor(settings);
  if (settings.apiKey) return gateway(settings, settings.apiKey);
  throw new CliError(
    "usage",
    "no credential: set WELLAPI_API_KEY (make start prints the operator's at first start), or pass " +
      "--api-key-file, --token-file, --credentials or --as-patient",
  );
}
