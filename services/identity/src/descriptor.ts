import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { DelegationService } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import { GrantService } from "@wellapi/gen/wellapi/identity/v1/grant_service_pb";
import { GuardianshipService } from "@wellapi/gen/wellapi/identity/v1/guardianship_service_pb";
import { LimitService } from "@wellapi/gen/wellapi/identity/v1/limit_service_pb";
import { MemberService } from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import { OAuthInteractionService } from "@wellapi/gen/wellapi/identity/v1/oauth_interaction_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { PolicyService } from "@wellapi/gen/wellapi/identity/v1/policy_service_pb";
import { SandboxService } from "@wellapi/gen/wellapi/identity/v1/sandbox_service_pb";
import { SignInService } from "@wellapi/gen/wellapi/identity/v1/sign_in_service_pb";
import { StaffService } from "@wellapi/gen/wellapi/identity/v1/staff_service_pb";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { BrowserOriginService } from "@wellapi/gen/wellapi/internal/identity/v1/browser_origin_service_pb";
import { DeathDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/death_directory_service_pb";
import { EdgeCertificateService } from "@wellapi/gen/wellapi/internal/identity/v1/edge_certificate_service_pb";
import { EmergencyDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/emergency_directory_service_pb";
import { MemberMailService } from "@wellapi/gen/wellapi/internal/identity/v1/member_mail_service_pb";
import { OAuthProtocolService } from "@wellapi/gen/wellapi/internal/identity/v1/oauth_protocol_service_pb";
import { OrganizationClockService } from "@wellapi/gen/wellapi/internal/identity/v1/organization_clock_service_pb";
import { PatientDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_directory_service_pb";
import { PatientMailService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_mail_service_pb";
import { PolicyDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/policy_directory_service_pb";
import { TokenExchangeService } from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import { describeService } from "@wellapi/service";
import { identityCollections } from "./collections.ts";
import {
  authoritiesSetting,
  doorOriginsSetting,
  mailFromSetting,
  majoritySetting,
  ownCareAgeSetting,
  ownCareCategoriesSetting,
  smtpUrlSetting,
} from "./config.ts";
import { oauthSurface } from "./oauth/oauth-surface.ts";
import { accountSurface } from "./pages/account/account-surface.ts";
import { assetsSurface } from "./pages/assets-surface.ts";
import { signInSurface } from "./pages/sign-in/sign-in-surface.ts";
import { keysSurface } from "./tokens/keys-surface.ts";

export const identityService = describeService({
  name: "identity",
  contracts: [
    OrganizationService,
    MemberService,
    StaffService,
    CredentialService,
    DelegationService,
    GrantService,
    GuardianshipService,
    LimitService,
    OAuthInteractionService,
    OAuthProtocolService,
    PatientService,
    PatientDirectoryService,
    PolicyService,
    PolicyDirectoryService,
    SignInService,
    AccountService,
    SandboxService,
    TokenService,
    TokenExchangeService,
    EdgeCertificateService,
    EmergencyDirectoryService,
    DeathDirectoryService,
    PatientMailService,
    MemberMailService,
    BrowserOriginService,
    OrganizationClockService,
  ],
  store: {
    collections: identityCollections,
    check: async (context) => (await import("./check.ts")).identityCheck(context),
    // A patient signs in to revoke.
    survivesFullDisk: true,
    sharesThread: true,
  },
  needs: ["keys", "vault", "journal", "access_log", "terminology"],
  calls: [],
  // The authorization page makes a consent of what the patient agrees to.
  surfaceCalls: ["consent"],
  // Whether the consents of a grant are in force.
  asks: ["consent"],
  replicas: "many",
  surfaces: [keysSurface, oauthSurface, assetsSurface, signInSurface, accountSurface],
  settings: {
    authorities: authoritiesSetting,
    doorOrigins: doorOriginsSetting,
    majority: majoritySetting,
    ownCareAge: ownCareAgeSetting,
    ownCareCategories: ownCareCategoriesSetting,
    smtpUrl: smtpUrlSetting,
    mailFrom: mailFromSetting,
  },
  // A token that is lost on the way does no harm: sending again makes one more.
  repeatable: [TokenExchangeService.method.exchangeCredential],
  async compose(platform, settings) {
    const { openIdentityService } = await import("./service.ts");
    const { network, installation, clock, ids, log, closers, accessEnds } = platform;
    const keys = await platform.keys();
    const store = await platform.openStore();
    const identity = await openIdentityService(
      { ...installation, ...settings },
      {
        store,
        vault: await platform.vault(),
        ...keys,
        terminology: await platform.terminology(),
        accessLog: await platform.openAccessLog(store),
        journal: await platform.journal(),
        consent: network.onOwn(),
        clock,
        ids,
        log,
      },
    );
    closers.push("identity", () => identity.close());
    identity.onAccessEnded(accessEnds.tell);
    return identity;
  },
});
