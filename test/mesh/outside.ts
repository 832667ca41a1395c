/** Everybody outside the mesh: companies with certificates, good and bad, and a patient with tokens, good and bad. */
import { randomUUID } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { issueCertificate } from "@wellapi/client/enrolment";
import { grant } from "@wellapi/demo/consents";
import { type Company, enrolCompany, enrolPerson, operatorAt, type Person } from "@wellapi/demo/people";
import type { Server } from "@wellapi/demo/server";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import {
  OAuthClient_GrantType as GrantType,
  OAuthClient_TokenEndpointAuthMethod as Method,
} from "@wellapi/gen/wellapi/identity/v1/oauth_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import {
  ExchangeCredentialRequestSchema,
  ExchangeCredentialResponseSchema,
} from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { generateKeyPair, SignJWT } from "jose";
import { apiHost, grpcHost, podOf } from "./addresses.ts";
import type { Round } from "./callers.ts";
import type { ClientCertificate } from "./connection.ts";
import { trustDomain } from "./control-plane.ts";
import type { Laboratory } from "./laboratory.ts";

export interface Outside {
  readonly server: Server;
  readonly maker: Company;
  readonly clinic: Company;
  /** Of the maker's. */
  readonly apiKey: string;
  /** Whose `tokens.patient` is. */
  readonly person: Person;
  /** The maker's id of a patient who lets the maker contribute. */
  readonly patientAtMaker: string;
  /** An application of the maker's that gets tokens by its certificate (RFC 8705). */
  readonly certified: { readonly id: string; readonly as: ClientCertificate };
  readonly certificates: {
    readonly expired: ClientCertificate;
    readonly revoked: ClientCertificate;
  };
  readonly tokens: {
    readonly patient: string;
    /** Ended, and Envoy believes a token for a minute longer: `expiredAt` is when it is over. */
    readonly expired: string;
    readonly foreignIssuer: string;
    /** Of the right issuer, as it says, by a key of nobody's. */
    readonly forged: string;
  };
  /** UTC milliseconds. */
  readonly expiredAt: number;
}

/** Envoy's own default, which Istio leaves as it is. */
const envoyClockSkewMs = 60_000;
const second = { seconds: 1n };
const byCertificate = {
  tokenEndpointAuthMethod: Method.TLS_CLIENT_AUTH,
  tlsClientCertificateBoundAccessTokens: true,
  grantTypes: [GrantType.CLIENT_CREDENTIALS],
  scopes: ["system/Organization.r"],
};

export async function openOutside({ operatorKey }: Laboratory): Promise<Outside> {
  const server = {
    grpc: `https://${grpcHost}`,
    http: `https://${apiHost}`,
    operatorKey,
  } as Server;
  const operator = operatorAt(server);
  const maker = await enrolCompany(server, "Laboratory maker");
  const clinic = await enrolCompany(server, "Laboratory clinic");
  const person = await enrolPerson(server, "Laboratory person");
  const contribution = await grant(person, maker, Direction.CONTRIBUTE);
  const { consents } = await createClient(ConsentService, maker.transport).listConsents({});
  const tokens = createClient(TokenService, operator);
  const expired = await tokens.issuePatientToken({
    requestId: randomUUID(),
    patient: person.id,
    lifetime: second,
  });
  const { token: patient } = await tokens.issuePatientToken({ requestId: randomUUID(), patient: person.id });
  return {
    server,
    maker,
    clinic,
    apiKey: await apiKeyOfMaker(),
    person,
    patientAtMaker: consents.find(({ id }) => id === contribution)!.patient,
    certified: await certifiedClient(),
    certificates: await badCertificates(),
    tokens: {
      patient,
      expired: expired.token,
      foreignIssuer: await signed("https://elsewhere.example"),
      forged: await signed(`https://${trustDomain}`),
    },
    expiredAt: Number(expired.expireTime!.seconds) * 1000 + envoyClockSkewMs + 1_000,
  };

  async function apiKeyOfMaker(): Promise<string> {
    const { apiKey } = await createClient(CredentialService, operator).createApiKey({
      requestId: randomUUID(),
      application: await applicationOfMaker(),
    });
    return apiKey;
  }

  async function applicationOfMaker(): Promise<string> {
    const { applications } = await createClient(OrganizationService, operator).listApplications({
      organization: maker.organization,
    });
    return applications[0]!.id;
  }

  async function certifiedClient(): Promise<Outside["certified"]> {
    const { application } = await createClient(OrganizationService, operator).createApplication({
      application: { organization: maker.organization, displayName: "By certificate", oauth: byCertificate },
      requestId: randomUUID(),
    });
    const { certificate } = await issueCertificate(operator, application!.id);
    return { id: application!.id, as: { cert: certificate.cert, key: certificate.key } };
  }

  async function badCertificates(): Promise<Outside["certificates"]> {
    const credentials = createClient(CredentialService, operator);
    const application = await applicationOfMaker();
    const issue = async (lifetimeSeconds?: number) => {
      const { certificate, credential } = await issueCertificate(operator, application, lifetimeSeconds);
      return { as: { cert: certificate.cert, key: certificate.key }, credential };
    };
    const late = await issue(1);
    const revoked = await issue();
    await credentials.revokeCredential({ credential: revoked.credential });
    return { expired: late.as, revoked: revoked.as };
  }
}

/** What services show each other for five minutes: by the same issuer and key, for another audience. */
export async function internalToken(round: Round): Promise<string> {
  const request = create(ExchangeCredentialRequestSchema, { credential: { case: "workload", value: true } });
  const { outcome, message } = await round.withCertificate(podOf("gateway"), "identity", {
    path: "/wellapi.internal.identity.v1.TokenExchangeService/ExchangeCredential",
    message: toBinary(ExchangeCredentialRequestSchema, request),
  });
  if (message === undefined) throw new Error(`identity gave no token: ${outcome}`);
  return fromBinary(ExchangeCredentialResponseSchema, Uint8Array.from(message)).token;
}

async function signed(issuer: string): Promise<string> {
  const { privateKey } = await generateKeyPair("ES256");
  return new SignJWT({ jti: "laboratory" })
    .setProtectedHeader({ alg: "ES256", typ: "JWT", kid: "laboratory" })
    .setIssuer(issuer)
    .setAudience("wellapi-door")
    .setSubject("pat_somebody")
    .setIssuedAt()
    .setExpirationTime("1h")
    .sign(privateKey);
}
