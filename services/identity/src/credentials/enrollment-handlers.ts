import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import type { Clock, Ids } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import type { Accesses } from "../accesses.ts";
import { INSTALLATION } from "../collections.ts";
import { fromLifetime } from "../convert.ts";
import { callerNotPermitted, credentialInvalid } from "../errors.ts";
import type { OrganizationRepository } from "../organizations/organization-repository.ts";
import { digestOf } from "../secret.ts";
import type { Answers } from "./answers.ts";
import type { SignCertificate } from "./certificate-issue.ts";
import { lifetimes, replacedBy } from "./credential.ts";
import type { CredentialRepository } from "./credential-repository.ts";
import { enrollmentCodes, usedFor } from "./enrollment-code.ts";
import type { EnrollmentCodeRepository } from "./enrollment-code-repository.ts";
import type { CheckAgain } from "./operator-handlers.ts";
import { applicationFor } from "./ownership.ts";

const { method } = CredentialService;

export interface EnrollmentHandlersDeps {
  readonly store: Store;
  readonly accesses: Accesses;
  readonly organizations: OrganizationRepository;
  readonly credentials: CredentialRepository;
  readonly codes: EnrollmentCodeRepository;
  readonly answers: Answers;
  readonly sign: SignCertificate;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly checkAgain: CheckAgain;
}

type Handlers = ServiceImpl<typeof CredentialService>;

/** The RPCs by which a machine gets its certificates itself. */
export function createEnrollmentHandlers(
  deps: EnrollmentHandlersDeps,
): Pick<Handlers, "createEnrollmentCode" | "enrollCertificate" | "renewCertificate"> {
  return { ...createCodeHandlers(deps), ...createRenewalHandlers(deps) };
}

function createCodeHandlers(
  deps: EnrollmentHandlersDeps,
): Pick<Handlers, "createEnrollmentCode" | "enrollCertificate"> {
  const { accesses, organizations, credentials, codes, answers, sign, clock, ids, checkAgain } = deps;
  return {
    createEnrollmentCode(request, context) {
      const { createEnrollmentCode } = method;
      return accesses.logged(context, createEnrollmentCode, "", async ({ caller, commit }) => {
        const lifetime = fromLifetime(request.lifetime, lifetimes.enrollmentCode);
        const { answer } = await answers.once(caller, createEnrollmentCode, request, async (keep) => {
          const asked = await applicationFor(caller, organizations, request.application);
          const { id: application, organization } = asked;
          const guard = await organizations.holding("application", application);
          const code = enrollmentCodes.create();
          const createTime = clock.now();
          const made = { code, expireTime: timestampFromMs(createTime + lifetime) };
          const insertion = codes.insertion({
            id: ids.next("enr"),
            fingerprint: digestOf(code),
            application,
            organization,
            createTime,
            expireTime: createTime + lifetime,
          });
          const changes = [insertion, guard, keep(INSTALLATION, made)];
          return (await commit()({ partition: INSTALLATION, changes })).committed ? made : undefined;
        });
        return answer;
      });
    },
    async enrollCertificate(request, context) {
      const { enrollCertificate } = method;
      const lifetime = fromLifetime(request.lifetime, lifetimes.certificate);
      const fingerprint = digestOf(request.code);
      const shown = await codes.find(fingerprint);
      // No entry: anybody may try codes, and the log is not theirs to fill.
      if (shown === undefined) throw credentialInvalid("the enrolment code is unknown: ask for another one");
      return accesses.logged(context, enrollCertificate, "", async ({ caller, showed, commit }) => {
        const { organization, application, id } = shown.code;
        showed({ organization, credential: id });
        const { answer, again } = await answers.once(caller, enrollCertificate, request, async (keep) => {
          const found = await codes.find(fingerprint);
          if (found === undefined) throw credentialInvalid("the enrolment code has expired");
          usedFor(found.code, "", clock.now());
          const { credential, guard, made } = await sign(application, request.certificateRequest, lifetime);
          const use = found.use(usedFor(found.code, credential.id, clock.now()));
          const stored = await credentials.insert(credential, commit(), [
            guard,
            use,
            keep(INSTALLATION, made),
          ]);
          return stored ? made : undefined;
        });
        if (again) await checkAgain(answer);
        return answer;
      });
    },
  };
}

function createRenewalHandlers(deps: EnrollmentHandlersDeps): Pick<Handlers, "renewCertificate"> {
  const { accesses, credentials, answers, sign, clock, checkAgain } = deps;
  return {
    renewCertificate(request, context) {
      const { renewCertificate } = method;
      return accesses.logged(context, renewCertificate, "", async ({ caller, commit }) => {
        const lifetime = fromLifetime(request.lifetime, lifetimes.certificate);
        const { credential: shown = "", id: application } = caller.principal;
        const current = await credentials.find(shown);
        if (current?.kind !== "certificate") {
          throw callerNotPermitted("a certificate is renewed by itself: call the gRPC door with it");
        }
        const { answer, again } = await answers.once(caller, renewCertificate, request, async (keep) => {
          replacedBy(await credentials.credential(shown), "", clock.now());
          const signed = await sign(application, request.certificateRequest, lifetime);
          const { credential: next, guard, made } = signed;
          const replaced = await credentials.replace(
            shown,
            (old) => ({ old: replacedBy(old, next.id, clock.now()), next }),
            commit(),
            () => [guard, keep(INSTALLATION, made)],
          );
          return replaced && made;
        });
        if (again) await checkAgain(answer);
        return answer;
      });
    },
  };
}
