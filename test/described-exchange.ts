/** What a client library's own program needs of a running exchange (`against_exchange`), in files. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, connectAsPatient, createClient } from "@wellapi/client";
import { enrolOrganization, enrolPatient } from "@wellapi/client/enrolment";
import type { Announcement } from "@wellapi/demo/server";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentReceiptService } from "@wellapi/gen/wellapi/consent/v1/consent_receipt_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import {
  OAuthClient_GrantType,
  OAuthClient_TokenEndpointAuthMethod,
} from "@wellapi/gen/wellapi/identity/v1/oauth_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { exportJWK, generateKeyPair } from "jose";

/** An organization with a certificate, a key and an OAuth client, a patient, and the patient's consent: in files for a program. */
export async function describeExchange(server: Announcement, folder: string): Promise<void> {
  const operatorKey = server.operatorKey!;
  const operator = connect({ url: server.http, apiKey: operatorKey });
  const maker = await enrolOrganization(operator, { organization: "Pulse", application: "sync" });
  const patient = await enrolPatient(operator, { displayName: "Ada", timeZone: "Europe/Berlin" });
  const person = await connectAsPatient({ url: server.http, operatorKey, patient });
  const { consent } = await createClient(ConsentService, person).createConsent({
    requestId: "both",
    consent: {
      grantee: maker.organization,
      provisions: [
        {
          effect: Provision_Effect.PERMIT,
          directions: [Direction.CONTRIBUTE, Direction.READ],
          categories: [{ name: "heart" }, { name: "conditions" }],
          purposes: [Purpose.TREATMENT],
          resolution: Resolution.RAW,
        },
      ],
    },
  });
  const { jws: receipt } = await createClient(ConsentReceiptService, person).getConsentReceipt({
    decision: { case: "consentVersion", value: { consent: consent!.id } },
  });
  const { apiKey } = await createClient(CredentialService, operator).createApiKey({
    requestId: crypto.randomUUID(),
    application: maker.application,
  });
  const { token } = await createClient(TokenService, operator).issuePatientToken({
    requestId: crypto.randomUUID(),
    patient,
  });
  const key = await clientKey();
  const { application } = await createClient(OrganizationService, operator).createApplication({
    requestId: crypto.randomUUID(),
    application: {
      organization: maker.organization,
      displayName: "Backend",
      oauth: {
        tokenEndpointAuthMethod: OAuthClient_TokenEndpointAuthMethod.PRIVATE_KEY_JWT,
        grantTypes: [OAuthClient_GrantType.CLIENT_CREDENTIALS],
        scopes: ["system/Observation.cruds"],
        jwks: JSON.stringify({ keys: [key.public] }),
      },
    },
  });
  const door = connect({ url: server.grpc, certificate: maker.certificate });
  const { consents } = await createClient(ConsentService, door).listConsents({});
  door.close();
  mkdirSync(folder);
  for (const [name, pem] of Object.entries(maker.certificate)) {
    writeFileSync(join(folder, `${name}.pem`), pem as string);
  }
  const here = {
    door: server.grpc,
    gateway: server.http,
    issuer: server.http.replace("127.0.0.1", "localhost"),
    credentials: folder,
    patient: consents[0]!.patient,
    patientToken: token,
    apiKey,
    clientId: application!.id,
    privateJwk: JSON.stringify(key.private),
    receipt,
  };
  writeFileSync(join(folder, "here.json"), JSON.stringify(here));
}

async function clientKey() {
  const pair = await generateKeyPair("ES384", { extractable: true });
  const named = { kid: "k1", alg: "ES384", use: "sig" };
  return {
    public: { ...(await exportJWK(pair.publicKey)), ...named },
    private: { ...(await exportJWK(pair.privateKey)), ...named },
  };
}
