import type { DescMethod } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { DeathService } from "@wellapi/gen/wellapi/consent/v1/death_service_pb";
import { type Caller, type PageTokens, partyOf } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import type { OrganizationTimes } from "@wellapi/service";
import type { Pairwise } from "@wellapi/vault";
import type { Accesses, Call } from "../accesses.ts";
import { patientOf, stateOf as stateOfConsent } from "../consent.ts";
import type { ConsentRepository } from "../consent-repository.ts";
import { ConsentError } from "../errors.ts";
import { openPage } from "../page.ts";
import type { DeathDecision } from "./death.ts";
import type { DeathChanges } from "./death-changes.ts";
import { checkDateOfDeath, deathMessage } from "./death-convert.ts";
import type { DeathRepository, KeptReport } from "./death-repository.ts";
import type { DeathTelling } from "./death-telling.ts";
import type { DeathDirectory } from "./directory-client.ts";

const { method } = DeathService;

export interface DeathHandlersDeps {
  readonly consents: Pick<ConsentRepository, "current">;
  readonly reports: DeathRepository;
  readonly deathChanges: DeathChanges;
  readonly telling: Pick<DeathTelling, "tell" | "tellNow">;
  readonly directory: Pick<DeathDirectory, "isPatient">;
  readonly accesses: Accesses;
  readonly pageTokens: PageTokens;
  readonly pairwise: Pairwise;
  readonly clock: Clock;
  readonly times: OrganizationTimes;
  /** Home region of the patients. */
  readonly region: string;
}

type Handlers = ServiceImpl<typeof DeathService>;

export function createDeathHandlers(deps: DeathHandlersDeps): Handlers {
  return {
    ...createReportHandlers(deps),
    confirmDeath: ({ deathReport, note }, context) =>
      decide(deps, context, method.confirmDeath, { id: deathReport, to: "confirmed", note }),
    dismissDeathReport: ({ deathReport, note }, context) =>
      decide(deps, context, method.dismissDeathReport, { id: deathReport, to: "dismissed", note }),
    undoDeath: ({ deathReport, note }, context) =>
      decide(deps, context, method.undoDeath, { id: deathReport, to: "undone", note }),
  };
}

function createReportHandlers(deps: DeathHandlersDeps): Pick<Handlers, "reportDeath" | "listDeathReports"> {
  const { reports, deathChanges, telling, accesses, pageTokens, clock } = deps;
  return {
    reportDeath(request, context) {
      return accesses.logged(context, method.reportDeath, request.requestId, async (call) => {
        const { patient, dateOfDeath, grounds, requestId } = request;
        checkDateOfDeath(dateOfDeath, clock.now());
        const { organization = "", id: reporter } = call.caller.principal;
        const partition = await patientMeant(deps, patient, call.caller);
        call.about(partition);
        const asked = { partition, organization, reporter, dateOfDeath, grounds, requestId };
        const { kept, changed } = await deathChanges.report(asked, () => call.leafOf([]).change);
        if (changed) {
          call.committed();
          await telling.tell(kept);
        }
        return { deathReport: shown(deps, kept, call.caller) };
      });
    },
    listDeathReports(request, context) {
      return accesses.logged(context, method.listDeathReports, "", async (call) => {
        const { kind, organization = "" } = call.caller.principal;
        const page = openPage(pageTokens, call.caller, method.listDeathReports, request);
        const holder = kind === "operator" ? "everybody" : { organization };
        const found = await reports.list(holder, page);
        return {
          deathReports: found.reports.map((kept) => shown(deps, kept, call.caller)),
          nextPageToken: page.next(found.cursor),
        };
      });
    },
  };
}

/** By a privacy officer, as the contract says. */
function decide(
  deps: DeathHandlersDeps,
  context: HandlerContext,
  rpc: DescMethod,
  {
    id,
    to,
    note,
  }: { readonly id: string } & Pick<DeathDecision, "note"> & { readonly to: DeathDecision["state"] },
) {
  const { reports, deathChanges, telling, accesses } = deps;
  return accesses.logged(context, rpc, "", async (call: Call) => {
    const found = await reports.find(id);
    if (found === undefined) throw new ConsentError("death_not_found");
    call.about(found.partition);
    const by = { kind: "operator", id: call.caller.principal.id } as const;
    const leaf = () => call.leafOf([]).change;
    const { kept, changed, told } = await deathChanges.decide(found, { to, by, note }, leaf);
    if (changed) call.committed();
    if (!told) await telling.tellNow(kept);
    return { deathReport: shown(deps, kept, call.caller) };
  });
}

/** One answer for an id that is not the caller's, and for a patient of whom the caller's organization has no consent. */
async function patientMeant(
  { consents, pairwise, directory, times, region }: DeathHandlersDeps,
  id: string,
  caller: Caller,
): Promise<string> {
  const { kind, organization } = caller.principal;
  const patient = pairwise.inward(partyOf(caller), "pat", id);
  if (patient === undefined) throw new ConsentError("death_patient_unknown");
  const partition = `${region}/${patient}`;
  const current = await consents.current(partition);
  const may =
    kind === "operator" ||
    current.consents.some(
      (one) =>
        one.terms.grantee === organization && stateOfConsent(one, times.now(organization)) === "active",
    );
  if (!may || current.closed || !(await directory.isPatient(partition))) {
    throw new ConsentError("death_patient_unknown");
  }
  return partition;
}

function shown({ pairwise }: DeathHandlersDeps, { partition, report }: KeptReport, caller: Caller) {
  const patient = pairwise.outward(partyOf(caller), patientOf(partition));
  return deathMessage(report, { patient, decides: caller.principal.kind === "operator" });
}
