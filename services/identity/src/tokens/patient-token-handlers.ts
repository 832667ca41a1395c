import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import type { Follower } from "@wellapi/journal";
import type { PageTokens } from "@wellapi/rpc";
import type { Clock, Ids } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import type { Accesses } from "../accesses.ts";
import { fromLifetime, toPatientTokenMessage } from "../convert.ts";
import type { CommitWithLeaf } from "../creation.ts";
import type { Answers } from "../credentials/answers.ts";
import { DAY } from "../credentials/credential.ts";
import { credentialRevoked, sandboxOnly } from "../errors.ts";
import { revocationOfToken, writeDown } from "../journal-entries.ts";
import { openPage } from "../page.ts";
import type { PatientAccess } from "../patients/patient-access.ts";
import type { PatientRepository } from "../patients/patient-repository.ts";
import type { TestPatients } from "../patients/test-patients.ts";
import type { PatientTokenRepository } from "./patient-token-repository.ts";
import type { TokenIssuer } from "./token.ts";

/** Of patients' bearer tokens, milliseconds. */
const patientTokenLifetime = { default: 3_600_000, max: DAY } as const;
/** In one commit. */
const REVOKED_AT_ONCE = 200;

export interface PatientTokenHandlersDeps {
  readonly store: Store;
  readonly accesses: Accesses;
  readonly answers: Answers;
  readonly patients: PatientRepository;
  readonly patientAccess: PatientAccess;
  readonly testPatients: Pick<TestPatients, "checkOwn">;
  readonly patientTokens: PatientTokenRepository;
  readonly tokens: TokenIssuer;
  readonly pageTokens: PageTokens;
  readonly journal: Pick<Follower, "owed" | "tell">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly sandbox: boolean;
  /** Called after a revocation is durable. */
  readonly revoked: (token: string) => void;
}

type Handlers = Pick<
  ServiceImpl<typeof TokenService>,
  "issuePatientToken" | "listPatientTokens" | "revokePatientTokens"
>;

const { method } = TokenService;

/** The RPCs on patients' tokens. */
export function createPatientTokenHandlers(deps: PatientTokenHandlersDeps): Handlers {
  const { accesses, patients, patientAccess, patientTokens, pageTokens } = deps;
  return {
    ...createIssueHandlers(deps),
    listPatientTokens(request, context) {
      return accesses.logged(context, method.listPatientTokens, "", async ({ caller, about }) => {
        const patient = await patients.patient(patientAccess.partition(caller, request.patient));
        about(patient);
        const page = openPage(pageTokens, caller, method.listPatientTokens, request);
        const { items, cursor } = await patientTokens.list(patient.partition, page.request);
        return { tokens: items.map(toPatientTokenMessage), nextPageToken: page.nextPageToken(cursor) };
      });
    },
    revokePatientTokens(request, context) {
      return accesses.logged(context, method.revokePatientTokens, "", async ({ caller, about, commit }) => {
        const patient = await patients.patient(patientAccess.partition(caller, request.patient));
        about(patient);
        const ids = new Set(request.tokens);
        const revoke = ids.size > 0 ? revokeNamed : revokeAll;
        return { revoked: await revoke(deps, patient.partition, [...ids], commit(patient)) };
      });
    },
  };
}

function createIssueHandlers(deps: PatientTokenHandlersDeps): Pick<Handlers, "issuePatientToken"> {
  const { accesses, answers, patients, patientAccess, testPatients, patientTokens } = deps;
  const { tokens, clock, ids, sandbox } = deps;
  return {
    issuePatientToken(request, context) {
      const { issuePatientToken } = method;
      return accesses.logged(context, issuePatientToken, "", async ({ caller, about, commit }) => {
        if (!sandbox) throw sandboxOnly();
        const lifetime = fromLifetime(request.lifetime, patientTokenLifetime);
        const patient = await patients.patient(patientAccess.partition(caller, request.patient));
        testPatients.checkOwn(caller, patient);
        about(patient);
        const { partition } = patient;
        const own = patientAccess.own(patient.id);
        const { answer, again } = await answers.once(caller, issuePatientToken, request, async (keep) => {
          const id = ids.next("tok");
          const operator = caller.principal.id;
          const claims = { tokenId: id, patient: own, operator };
          const createTime = clock.now();
          const { token, expireTime } = await tokens.signPatient(claims, createTime + lifetime);
          const made = { token, expireTime: timestampFromMs(expireTime), tokenId: id, patient: own };
          const issued = { id, operator, createTime, expireTime };
          const changes = [keep(partition, made), patientTokens.insertion(partition, issued)];
          const { committed } = await commit(patient)({ partition, changes });
          return committed ? made : undefined;
        });
        const stored = again ? await patientTokens.find(partition, answer.tokenId) : undefined;
        if (stored?.revokeTime !== undefined) throw credentialRevoked();
        return answer;
      });
    },
  };
}

/** Also what was revoked before is written down: an earlier call may have failed there. */
async function revokeNamed(
  deps: PatientTokenHandlersDeps,
  partition: string,
  ids: readonly string[],
  commit: CommitWithLeaf,
): Promise<number> {
  const { patientTokens, journal, clock, revoked } = deps;
  const now = clock.now();
  const ended = await patientTokens.revoke(partition, ids, now, commit, (token) => [
    journal.owed(revocationOfToken(partition, token)),
  ]);
  for (const { id } of ended) revoked(id);
  for (const id of ids) {
    const token = await patientTokens.find(partition, id);
    if (token !== undefined) await writeDown(journal, revocationOfToken(partition, token));
  }
  return ended.length;
}

/** Part by part: a part that is revoked stays so where a later one fails. The first one has the call's leaf. */
async function revokeAll(
  deps: PatientTokenHandlersDeps,
  partition: string,
  _ids: readonly string[],
  commit: CommitWithLeaf,
): Promise<number> {
  const { store, patientTokens, clock } = deps;
  let count = 0;
  let cursor: string | undefined;
  do {
    const page = { size: REVOKED_AT_ONCE, ...(cursor === undefined ? {} : { cursor }) };
    const { items, cursor: next } = await patientTokens.list(partition, page);
    const now = clock.now();
    const ids = items.filter(({ expireTime }) => now < expireTime).map(({ id }) => id);
    const commitPart: CommitWithLeaf =
      count === 0 ? commit : (change) => store.commit({ ...change, useReserve: true });
    count += await revokeNamed(deps, partition, ids, commitPart);
    cursor = next;
  } while (cursor !== undefined);
  return count;
}
