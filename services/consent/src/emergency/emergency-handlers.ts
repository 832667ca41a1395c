import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type {
  EndOpenEmergencyAccessesRequest,
  OpenEmergencyAccessRequest,
} from "@wellapi/gen/wellapi/consent/v1/emergency_service_pb";
import { EmergencyService } from "@wellapi/gen/wellapi/consent/v1/emergency_service_pb";
import { type Caller, type PageTokens, partyOf } from "@wellapi/rpc";
import type { OrganizationTimes } from "@wellapi/service";
import type { Pairwise } from "@wellapi/vault";
import type { Accesses, Call } from "../accesses.ts";
import { type Author, patientOf } from "../consent.ts";
import type { ConsentRepository } from "../consent-repository.ts";
import { ConsentError } from "../errors.ts";
import { openPage } from "../page.ts";
import { patientOfCall } from "../viewer.ts";
import { emergenciesOf } from "./emergency.ts";
import type { EmergencyAttempts } from "./emergency-attempts-repository.ts";
import type { EmergencyChanges, EmergencyLeafOf } from "./emergency-changes.ts";
import type { EmergencyCodes } from "./emergency-code-repository.ts";
import { emergencyMessage, settingsMessage } from "./emergency-convert.ts";
import type { EmergencyHolder, EmergencyRepository, KeptEmergency } from "./emergency-repository.ts";
import type { EmergencyTelling } from "./emergency-telling.ts";
import type { EmergencyIdentity } from "./identity-client.ts";
import type { OpenAccesses, Openers } from "./open-accesses.ts";

const { method } = EmergencyService;

export interface EmergencyHandlersDeps {
  readonly consents: Pick<ConsentRepository, "current">;
  readonly emergencies: EmergencyRepository;
  readonly emergencyChanges: EmergencyChanges;
  readonly openAccesses: OpenAccesses;
  readonly codes: EmergencyCodes;
  readonly attempts: EmergencyAttempts;
  readonly telling: Pick<EmergencyTelling, "tell">;
  readonly emergencyIdentity: EmergencyIdentity;
  readonly accesses: Accesses;
  readonly pageTokens: PageTokens;
  readonly pairwise: Pairwise;
  readonly times: OrganizationTimes;
  /** Home region of the patients. */
  readonly region: string;
}

type Handlers = ServiceImpl<typeof EmergencyService>;

export function createEmergencyHandlers(deps: EmergencyHandlersDeps): Handlers {
  return { ...createAccessHandlers(deps), ...createOfficeHandlers(deps), ...createSettingHandlers(deps) };
}

/** The RPC of the privacy officer alone. */
function createOfficeHandlers({
  openAccesses,
  accesses,
}: EmergencyHandlersDeps): Pick<Handlers, "endOpenEmergencyAccesses"> {
  return {
    endOpenEmergencyAccesses({ whose }, context) {
      return accesses.logged(context, method.endOpenEmergencyAccesses, "", async (call) => {
        const { kind, id } = call.caller.principal;
        if (kind !== "operator") throw new ConsentError("not_permitted");
        const leafAbout = (partition: string): EmergencyLeafOf => {
          const leafOf = call.leafAbout(partition);
          return (access) => {
            call.emergency(access);
            return leafOf([]);
          };
        };
        const { committed } = call;
        return {
          endedCount: await openAccesses.end(openersOf(whose), { kind, id }, { leafAbout, committed }),
        };
      });
    },
  };
}

function openersOf({ case: by, value }: EndOpenEmergencyAccessesRequest["whose"]): Openers {
  return by === "clinician" ? { clinician: value } : { organization: value ?? "" };
}

/** The RPCs about emergency accesses. */
function createAccessHandlers(
  deps: EmergencyHandlersDeps,
): Pick<Handlers, "openEmergencyAccess" | "endEmergencyAccess" | "listEmergencyAccesses"> {
  const { emergencies, emergencyChanges, attempts, telling, emergencyIdentity, accesses, pageTokens } = deps;
  return {
    openEmergencyAccess(request, context) {
      return accesses.logged(context, method.openEmergencyAccess, request.requestId, async (call) => {
        const { organization, clinician } = clinicianOf(call.caller);
        if (!(await emergencyIdentity.isEnabled(organization))) {
          throw new ConsentError("emergency_not_enabled");
        }
        await attempts.take(organization, clinician);
        const { partition, means } = await patientMeant(deps, request.who, organization);
        call.about(partition);
        const { reason, requestId } = request;
        const opening = { partition, organization, clinician, reason, means, requestId };
        const { kept, changed, told } = await emergencyChanges.open(opening, leavesOf(call));
        call.emergency(kept.access.id);
        if (changed) call.committed();
        // Who switches it off and then ends what is open misses none: either this access was there to be ended, or it ends here.
        if (!(await emergencyIdentity.isEnabled(organization))) {
          await emergencyChanges.end(kept, { kind: "service", id: "consent" }, leavesOf(call));
          throw new ConsentError("emergency_not_enabled");
        }
        if (!told) await telling.tell(kept);
        return { emergencyAccess: shown(deps, kept, call.caller) };
      });
    },
    endEmergencyAccess({ emergencyAccess: id }, context) {
      return accesses.logged(context, method.endEmergencyAccess, "", async (call) => {
        const found = await emergencies.find(id);
        const by = found && enderOf(found, call.caller);
        if (found === undefined || by === undefined) throw new ConsentError("emergency_not_found");
        call.about(found.partition);
        call.emergency(id);
        const { kept, changed } = await emergencyChanges.end(found, by, leavesOf(call));
        if (changed) call.committed();
        return { emergencyAccess: shown(deps, kept, call.caller) };
      });
    },
    listEmergencyAccesses(request, context) {
      return accesses.logged(context, method.listEmergencyAccesses, "", async (call) => {
        const holder = holderOf(call.caller);
        if (typeof holder !== "string" && "partition" in holder) call.about(holder.partition);
        const page = openPage(pageTokens, call.caller, method.listEmergencyAccesses, request);
        const found = await emergencies.list(holder, page);
        return {
          emergencyAccesses: found.accesses.map((kept) => shown(deps, kept, call.caller)),
          nextPageToken: page.next(found.cursor),
        };
      });
    },
  };
}

/** The RPCs by which patients say what holds in an emergency. */
function createSettingHandlers(
  deps: EmergencyHandlersDeps,
): Pick<
  Handlers,
  | "getEmergencySettings"
  | "refuseEmergencyAccess"
  | "allowEmergencyAccess"
  | "createEmergencyCode"
  | "deleteEmergencyCode"
> {
  const { consents, emergencyChanges, codes, accesses } = deps;
  const changeRefusal = async (call: Call, refused: boolean) => {
    const { partition, author } = patientOfCall(call.caller);
    call.about(partition);
    const { refuseTime, changed } = await emergencyChanges.refuse(partition, refused, author, leavesOf(call));
    if (changed) call.committed();
    return { settings: settingsMessage(refuseTime, await codes.createTime(partition)) };
  };
  return {
    getEmergencySettings(_request, context) {
      return accesses.logged(context, method.getEmergencySettings, "", async (call) => {
        const { partition } = patientOfCall(call.caller);
        call.about(partition);
        const { refuseTime } = emergenciesOf(await consents.current(partition));
        return { settings: settingsMessage(refuseTime, await codes.createTime(partition)) };
      });
    },
    refuseEmergencyAccess: (_request, context) =>
      accesses.logged(context, method.refuseEmergencyAccess, "", (call) => changeRefusal(call, true)),
    allowEmergencyAccess: (_request, context) =>
      accesses.logged(context, method.allowEmergencyAccess, "", (call) => changeRefusal(call, false)),
    createEmergencyCode(_request, context) {
      return accesses.logged(context, method.createEmergencyCode, "", async (call) => {
        const { partition } = patientOfCall(call.caller);
        call.about(partition);
        if ((await consents.current(partition)).closed) throw new ConsentError("patient_erased");
        const { code, createTime } = await codes.create(partition, () => call.leafOf([]).change);
        call.committed();
        return { emergencyCode: code, createTime: timestampFromMs(createTime) };
      });
    },
    deleteEmergencyCode(_request, context) {
      return accesses.logged(context, method.deleteEmergencyCode, "", async (call) => {
        const { partition } = patientOfCall(call.caller);
        call.about(partition);
        if (await codes.withdraw(partition, () => call.leafOf([]).change)) call.committed();
        return {};
      });
    },
  };
}

/** The entry names the emergency access. */
function leavesOf(call: Call): EmergencyLeafOf {
  return (access) => {
    if (access !== "") call.emergency(access);
    return call.leafOf([]);
  };
}

/** Throws `not_permitted`. */
function clinicianOf({ principal }: Caller): { organization: string; clinician: string } {
  const { kind, id, organization, roles = [] } = principal;
  if (kind === "member" && organization !== undefined && roles.includes("clinician")) {
    return { organization, clinician: id };
  }
  throw new ConsentError("not_permitted");
}

/** One answer for an id that is not the organization's, a code that is not in force, and a patient who is erased. */
async function patientMeant(
  { codes, pairwise, emergencyIdentity, region }: EmergencyHandlersDeps,
  who: OpenEmergencyAccessRequest["who"],
  organization: string,
): Promise<Pick<KeptEmergency, "partition"> & { readonly means: KeptEmergency["access"]["means"] }> {
  const byCode = who.case === "emergencyCode";
  const patient = who.case === "patient" ? pairwise.inward(organization, "pat", who.value) : undefined;
  const partition = byCode ? await codes.find(who.value) : patient && `${region}/${patient}`;
  if (partition === undefined || !(await emergencyIdentity.isPatient(partition))) {
    throw new ConsentError("emergency_patient_unknown");
  }
  return { partition, means: byCode ? "emergency_code" : "known_patient" };
}

/** Who may see which; the contract says which members and staff get here at all. */
function holderOf(caller: Caller): EmergencyHolder {
  const { kind, partition } = caller.principal;
  if (kind === "patient" && partition !== undefined) return { partition };
  return kind === "operator" ? "everybody" : clinicianOf(caller);
}

/** Who ends it; undefined where it is not theirs to end. */
function enderOf({ partition, access }: KeptEmergency, caller: Caller): Author | undefined {
  const { kind, id } = caller.principal;
  if (kind === "operator") return { kind: "operator", id };
  if (kind === "patient") {
    const own = patientOfCall(caller);
    return own.partition === partition ? own.author : undefined;
  }
  const { organization, clinician } = clinicianOf(caller);
  const theirs = access.organization === organization && access.clinician === clinician;
  return theirs ? { kind: "clinician", id } : undefined;
}

function shown({ pairwise, times }: EmergencyHandlersDeps, kept: KeptEmergency, caller: Caller) {
  const patient = pairwise.outward(partyOf(caller), patientOf(kept.partition));
  const seesReason = caller.principal.kind !== "operator";
  return emergencyMessage(kept, { patient, now: times.now(kept.access.organization), seesReason });
}
