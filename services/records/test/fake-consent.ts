import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Dispute, Recall } from "@wellapi/enforcer";
import type { Mask } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentDecisionService } from "@wellapi/gen/wellapi/internal/consent/v1/consent_decision_service_pb";
import { DenialReason, type Question } from "@wellapi/gen/wellapi/internal/consent/v1/decision_pb";
import {
  type CaptureMethod,
  Direction,
  Purpose,
  Resolution,
} from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type Route, route } from "@wellapi/rpc";
import { randomIds } from "@wellapi/runtime";

/** A consent as a test states it. */
export interface TestConsent {
  readonly organization: string;
  readonly direction: Direction;
  readonly codes: readonly string[];
  readonly purposes?: readonly Purpose[];
  readonly resolution?: Resolution;
  readonly window?: { readonly from: number; readonly to: number };
  /** Whose data. */
  readonly sources?: ({ readonly only: readonly string[] } | { readonly except: readonly string[] }) & {
    readonly also?: readonly { readonly organization: string; readonly device: string }[];
    readonly without?: readonly { readonly organization: string; readonly device: string }[];
    readonly onlyMethods?: readonly CaptureMethod[];
    readonly exceptMethods?: readonly CaptureMethod[];
  };
  /** What is left out. */
  readonly masks?: readonly Mask[];
  /** Codes that another provision denies. */
  readonly denied?: readonly string[];
  /** Only data captured in the last so many milliseconds. */
  readonly lastMs?: number;
  /** It is emergency access of this person, until this time, UTC milliseconds. */
  readonly emergency?: { readonly person: string; readonly until: number };
}

/**
 * The consent service's side of the session protocol over a plain list: the real one is another service, which
 * no service imports. Sessions, recalls and renewals are real, so the enforcer under test is the real one.
 */
export function createFakeConsent() {
  const consents = new Map<string, { id: string; partition: string; terms: TestConsent; revoked: boolean }>();
  const recalls = new Map<string, () => void>();
  const deleted: string[] = [];
  const sessions = new Set<(change: Recall) => Promise<void>>();
  /** `asked` counts questions, `calls` the calls that they came in. */
  const state: {
    reachable: boolean;
    asked: number;
    calls: number;
    foreseen: number;
    /** Runs once it was foreseen, and before that is answered. */
    foreseeing?: (() => Promise<void>) | undefined;
  } = { reachable: true, asked: 0, calls: 0, foreseen: 0 };
  /** Partitions of frozen records. */
  const frozen = new Set<string>();
  const disputes = new Map<string, readonly Dispute[]>();

  async function recall(change: Recall): Promise<void> {
    await Promise.all([...sessions].map((send) => send(change)));
  }

  // Times are in grants alone.
  const deniedUntil = timestampFromMs(Date.UTC(9999, 0));

  function decide(question: Omit<Question, "$typeName">) {
    state.asked++;
    const { partition, organization, direction, code, purpose, person } = question;
    const between = [...consents.values()].filter(
      ({ terms, partition: of }) =>
        of === partition &&
        terms.organization === organization &&
        terms.direction === direction &&
        (terms.emergency?.person ?? person) === person,
    );
    const deny = (denialReason: DenialReason) => ({ denialReason, deniedUntil });
    if (between.length === 0) return deny(DenialReason.NO_CONSENT);
    if (frozen.has(partition)) return deny(DenialReason.FROZEN);
    const active = between.filter(({ revoked }) => !revoked);
    if (active.length === 0) return deny(DenialReason.REVOKED);
    const covering = active.filter(({ terms }) => terms.codes.includes(code));
    if (covering.length === 0) return deny(DenialReason.CATEGORY);
    const granting = covering.filter(
      ({ terms }) =>
        direction === Direction.CONTRIBUTE || (terms.purposes ?? [Purpose.TREATMENT]).includes(purpose),
    );
    if (granting.length === 0) return deny(DenialReason.PURPOSE);
    if (active.some(({ terms }) => terms.denied?.includes(code))) return deny(DenialReason.DENIED);
    const grants = granting.map(({ id, terms }) => ({
      consent: id,
      version: 1,
      resolution: terms.resolution ?? Resolution.RAW,
      masks: [...(terms.masks ?? [])],
      capturedInLastMs: BigInt(terms.lastMs ?? 0),
      onlyOrganizations: [...(terms.sources && "only" in terms.sources ? terms.sources.only : [])],
      exceptOrganizations: [...(terms.sources && "except" in terms.sources ? terms.sources.except : [])],
      alsoDevices: [...(terms.sources?.also ?? [])],
      exceptDevices: [...(terms.sources?.without ?? [])],
      onlyMethods: [...(terms.sources?.onlyMethods ?? [])],
      exceptMethods: [...(terms.sources?.exceptMethods ?? [])],
      ...(terms.emergency && {
        emergency: true,
        validity: { endTime: timestampFromMs(terms.emergency.until) },
      }),
      ...(terms.window === undefined
        ? {}
        : {
            window: {
              startTime: timestampFromMs(terms.window.from),
              endTime: timestampFromMs(terms.window.to),
            },
          }),
    }));
    return {
      grants,
      disputes: direction === Direction.READ ? (disputes.get(partition) ?? []).map(told) : [],
    };
  }

  function told({ organization, from, to, device = "", record = "" }: Dispute) {
    const capturedWithin = { startTime: timestampFromMs(from), endTime: timestampFromMs(to) };
    return { organization, capturedWithin, device, record };
  }

  const implementation: Route = route(ConsentDecisionService, {
    getStanding: () => ({ inForce: true }),
    decide({ question, furtherCodes }) {
      state.calls++;
      return {
        decision: decide(question!),
        further: furtherCodes.map((code) => decide({ ...question!, code })),
      };
    },
    async foresee({ partition, purpose, codes, view }) {
      state.foreseen++;
      const given = view.case === "consent" ? consents.get(view.value) : undefined;
      const organization = given?.terms.organization ?? String(view.value);
      const asked = {
        partition,
        organization,
        direction: Direction.READ,
        purpose,
        region: "local",
        person: "",
        aheadSeconds: 0,
      };
      const decisions = codes.map((code) => decide({ ...asked, code }));
      await state.foreseeing?.();
      return { organization, time: timestampFromMs(Date.now()), decisions };
    },
    async *watch(requests) {
      const outgoing: Parameters<typeof Array.prototype.push>[0][] = [];
      let wake = () => {};
      const push = (message: unknown) => {
        outgoing.push(message);
        wake();
      };
      const send = (change: Recall) =>
        new Promise<void>((resolve) => {
          const id = randomIds.next("rcl");
          recalls.set(id, resolve);
          push({ case: "recall", value: { recall: id, ...change } });
        });
      sessions.add(send);
      let ended = false;
      const reading = (async () => {
        for await (const { message } of requests) {
          if (!state.reachable) continue;
          if (message.case === "open") {
            push({ case: "opened", value: { session: randomIds.next("ses"), ttlMs: 1_500 } });
          } else if (message.case === "renew") {
            push({ case: "renewed", value: { sequence: message.value.sequence } });
          } else if (message.case === "acknowledge") {
            recalls.get(message.value.recall)?.();
            recalls.delete(message.value.recall);
          }
        }
      })()
        .catch(() => {})
        .finally(() => {
          ended = true;
          wake();
        });
      try {
        while (!ended) {
          const message = outgoing.shift();
          if (message !== undefined) yield { message } as never;
          else
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
        }
        await reading;
      } finally {
        sessions.delete(send);
      }
    },

    async revokeAllConsents({ partition }) {
      let revoked = 0;
      for (const consent of consents.values()) {
        if (consent.partition === partition && !consent.revoked) {
          consent.revoked = true;
          revoked++;
        }
      }
      await recall({ partition, onlyWidens: false, grantees: [] });
      return { revoked };
    },

    deleteConsents({ partition }) {
      deleted.push(partition);
      return {};
    },
  });

  return {
    /** Partitions whose consents were deleted. */
    deleted,
    route: implementation,
    state,
    /** Whether the consent has not been revoked. */
    stands: (id: string) => !consents.get(id)!.revoked,
    /** Grants, and recalls what was decided before. Resolves with the consent's id. */
    async grant(partition: string, terms: TestConsent): Promise<string> {
      const id = randomIds.next("con");
      consents.set(id, { id, partition, terms, revoked: false });
      await recall({ partition, onlyWidens: true, grantees: [terms.organization] });
      return id;
    },
    /** As FreezeRecord: no consent of the patient permits anything. */
    async freeze(partition: string): Promise<void> {
      frozen.add(partition);
      await recall({ partition, onlyWidens: false, grantees: [] });
    },
    /** As CreateRightsRequest and its answers: from then on the patient disputes this, and nothing else. */
    async dispute(partition: string, disputed: readonly Dispute[]): Promise<void> {
      disputes.set(partition, disputed);
      await recall({ partition, onlyWidens: true, grantees: [] });
    },
    /** As RevokeConsent: once it resolves, no enforcer uses the consent any more. */
    async revoke(id: string): Promise<void> {
      const consent = consents.get(id)!;
      consent.revoked = true;
      const { partition, terms } = consent;
      await recall({ partition, onlyWidens: false, grantees: [terms.organization] });
    },
  };
}
