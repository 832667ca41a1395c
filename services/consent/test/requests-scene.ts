import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { ConsentRequestService } from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { DeathService } from "@wellapi/gen/wellapi/consent/v1/death_service_pb";
import { Direction, Purpose, type TimeInterval } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Principal } from "@wellapi/rpc";
import { type InstallationOptions, openInstallation, partition, patientId } from "./installation.ts";
import { reading } from "./messages.ts";

export const day = 86_400_000;
/** The code of the heart rate, of the category heart. */
export const heartRate = "8867-4";

/** An installation in which the clinic knows the patient, and a clock that a test moves. */
export async function openScene(options: InstallationOptions = {}) {
  const installation = await openInstallation(options);
  const { as, clock, pairwise } = installation;
  let offset = 0;
  const { now } = clock;
  clock.now = () => now() + offset;
  const at = (principal: Principal) => createClient(ConsentRequestService, as(principal, "gateway"));
  const known = pairwise.outward("org_clinic", patientId);
  let requests = 0;
  const application = (organization = "org_clinic") =>
    at({ kind: "application", id: `app_${organization}`, organization, credential: "crd_1" });
  /** What the clinic asks: hourly heart data for treatment, for a year. */
  const asked = (change: object = {}) => ({
    patient: known,
    provisions: [reading],
    validity: { endTime: timestampFromMs(clock.now() + 365 * day) },
    why: "to see how the new medicine does",
    ...change,
  });
  /** Made anew each time: the service may have been started again. */
  const person = () => at({ kind: "patient", id: patientId, partition, assurance: "passkey" });
  return {
    ...installation,
    at,
    known,
    application,
    asked,
    person,
    async ask(change: object = {}, requestId = `r${++requests}`) {
      return (await application().createConsentRequest({ consentRequest: asked(change), requestId }))
        .consentRequest!;
    },
    accept: async (consentRequest: string, change: object = {}) =>
      person().acceptConsentRequest({ consentRequest, ...change }),
    refuse: async (consentRequest: string) =>
      (await person().refuseConsentRequest({ consentRequest })).consentRequest!,
    /** The patient dies; returns how to undo it. */
    async freeze() {
      const principal = {
        kind: "operator",
        id: "usr_officer",
        roles: ["privacy_officer"],
        assurance: "fresh",
      } as const;
      const officer = createClient(DeathService, as(principal, "gateway"));
      const patient = pairwise.outward("installation", patientId);
      const said = { patient, dateOfDeath: "2026-03-31", grounds: "certificate seen", requestId: "d1" };
      const { id: deathReport } = (await officer.reportDeath(said)).deathReport!;
      await officer.confirmDeath({ deathReport, note: "certificate seen" });
      return () => officer.undoDeath({ deathReport, note: "a mistake" });
    },
    pass: (ms: number) => {
      offset += ms;
    },
    /** Consents by which the clinic may read the heart rate now. */
    async readable(): Promise<readonly string[]> {
      const question = {
        partition,
        organization: "org_clinic",
        direction: Direction.READ,
        code: heartRate,
        purpose: Purpose.TREATMENT,
        region: "local",
      };
      const { decision } = await installation.decisions().decide({ question });
      const holds = ({ startTime, endTime }: Partial<TimeInterval> = {}) =>
        (startTime === undefined || timestampMs(startTime) <= clock.now()) &&
        (endTime === undefined || clock.now() < timestampMs(endTime));
      const grants = decision!.grants.filter(({ validity }) => holds(validity));
      return grants.map(({ consent, version }) => `${consent} ${version}`);
    },
  };
}
