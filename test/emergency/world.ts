/** A clinic with a clinician, a patient with data from elsewhere, and a privacy officer: each signed in as on the pages. */
import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { openBrowser, type PersonsBrowser } from "@wellapi/demo/browser";
import { grant } from "@wellapi/demo/consents";
import { type Company, enrolCompany, operatorAt } from "@wellapi/demo/people";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { MemberService } from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { SignInService } from "@wellapi/gen/wellapi/identity/v1/sign_in_service_pb";
import { StaffService } from "@wellapi/gen/wellapi/identity/v1/staff_service_pb";
import { SeriesBatchSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { TOTP } from "otpauth";
import { openWorld, type World } from "../oauth/world.ts";
import { type Account, openAccount } from "../pages/accounts.ts";
import { codeFor } from "../pages/people.ts";

export const heartRate = "8867-4";
const T0 = Date.parse("2026-03-01T00:00:00Z");

export interface EmergencyWorld {
  readonly exchange: World;
  /** Knows nobody, and has emergency access switched on. */
  readonly clinic: Company;
  readonly ada: Account;
  /** The clinic's clinician, registered by a passkey. */
  readonly doctor: Account;
  /** A clinician of the clinic, too. */
  readonly colleague: Account;
  readonly officer: Account;
  /** Sends heart rates of Ada's. */
  contribute(values: readonly number[]): Promise<void>;
  close(): Promise<void>;
}

export async function openEmergencyWorld(): Promise<EmergencyWorld> {
  const exchange = await openWorld();
  const { issuer: origin, server, company: maker } = exchange;
  const operator = operatorAt(server);
  const open = (name: string, record = false) =>
    openAccount(origin, { name, email: `${name.toLowerCase()}@example.org`, record });
  const [ada, doctor, colleague, officer] = [
    await open("Ada", true),
    await open("Dora"),
    await open("Carla"),
    await open("Otto"),
  ];
  await createClient(StaffService, operator).inviteStaff({
    email: officer.email,
    roles: [Role.PRIVACY_OFFICER],
    requestId: randomUUID(),
  });
  await officer.accept();
  const clinic = await enrolCompany(server, "Herzklinik Nord");
  const { organization } = clinic;
  for (const clinician of [doctor, colleague]) {
    await createClient(MemberService, operator).inviteMember({
      organization,
      email: clinician.email,
      roles: [Role.CLINICIAN],
      requestId: randomUUID(),
    });
    await clinician.accept();
  }
  const office = createClient(OrganizationService, officer.as("staff"));
  const agreements = ["data processing agreement 2026-03"];
  await office.verifyOrganization({
    organization,
    legalName: "Herzklinik Nord GmbH",
    domain: "herzklinik.example",
    agreements,
  });
  await office.enableEmergencyAccess({ organization });
  await grant({ transport: ada.as(ada.patient) }, maker, Direction.CONTRIBUTE);
  let sent = 0;
  return {
    exchange,
    clinic,
    ada,
    doctor,
    colleague,
    officer,
    async contribute(values) {
      await send(maker, values, T0 + 60_000 * sent++);
    },
    close: () => exchange.close(),
  };
}

async function send(maker: Company, mantissas: readonly number[], start: number): Promise<void> {
  const { consents } = await createClient(ConsentService, maker.transport).listConsents({});
  const series = {
    code: { code: heartRate },
    unit: "/min",
    times: {
      start: { case: "startTime" as const, value: timestampFromMs(start) },
      utcOffsetMinutes: 0,
      spacing: { case: "periodMs" as const, value: 1_000 },
    },
    values: { case: "decimals" as const, value: { mantissas: [...mantissas] } },
  };
  const batch = { requestId: randomUUID(), patient: consents[0]!.patient, series: [series] };
  await createClient(IngestionService, maker.transport).createSeries({
    batch: create(SeriesBatchSchema, batch),
  });
}

/** A browser in which somebody has signed in by the code in their mail alone. */
export async function signInByMail(origin: string, email: string): Promise<PersonsBrowser> {
  const browser = openBrowser(origin);
  const signIn = createClient(SignInService, browser.as());
  const { flow } = await signIn.sendCode({ email });
  const { outcome } = await signIn.verifyCode({ flow, code: await codeFor(origin, email) });
  if (outcome.case !== "signedIn") throw new Error(`${email} has no account`);
  browser.signedIn(outcome.value.sessionSecret);
  return browser;
}

/** Sets an authenticator app up, as on the page of the account's security; its sessions end. Returns what shows its code now. */
export async function addApp(account: Account): Promise<() => string> {
  const client = createClient(AccountService, account.as("account"));
  const { flow, secret } = await client.beginTotp({});
  const app = new TOTP({ secret });
  const code = () => app.generate({ timestamp: Date.now() });
  await client.finishTotp({ flow, code: code() });
  return code;
}

/** Confirms by the app's code who it is, as on the page that asks for it. */
export async function confirmByApp(browser: PersonsBrowser, code: string): Promise<void> {
  const account = createClient(AccountService, browser.as("account"));
  const { flow } = await account.beginStepUp({});
  const { signedIn } = await account.finishStepUp({ flow, proof: { case: "totp", value: code } });
  browser.signedIn(signedIn!.sessionSecret);
}

/** The two protocols in which the gateway serves people, with the session's cookie, as our own pages call. */
export const protocols = {
  "Connect JSON": createConnectTransport,
  "gRPC-Web": createGrpcWebTransport,
} as const;

export function speaking(
  protocol: keyof typeof protocols,
  origin: string,
  { jar }: Pick<PersonsBrowser, "jar">,
  actingAs: string,
): Transport {
  const asOwnPage: Interceptor = (next) => (request) => {
    request.header.set("cookie", `__Host-wellapi=${jar.get("__Host-wellapi")!.value}`);
    request.header.set("sec-fetch-site", "same-origin");
    request.header.set("wellapi-acting-as", actingAs);
    return next(request);
  };
  return protocols[protocol]({
    baseUrl: origin,
    httpVersion: "1.1",
    useBinaryFormat: protocol === "gRPC-Web",
    interceptors: [asOwnPage],
  });
}
