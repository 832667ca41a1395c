import type { Follower } from "@wellapi/journal";
import type { Clock, Ids } from "@wellapi/runtime";
import type { OrganizationTimes } from "@wellapi/service";
import type { Change } from "@wellapi/store";
import {
  type Author,
  amended,
  type Consent,
  type CurrentConsents,
  categoryNames,
  denies,
  isFrozen,
  scopeOfGrant,
  stateOf as stateOfConsent,
  type Terms,
} from "../consent.ts";
import type { ConsentRepository, Notified } from "../consent-repository.ts";
import { ConsentError } from "../errors.ts";
import { digest } from "../etag.ts";
import { requestChanged } from "../event-convert.ts";
import type { Gift, Granting } from "../granting.ts";
import type { RecalledChanges } from "../recalled-changes.ts";
import type { LeafOf } from "../revocation.ts";
import { writeDown } from "../standing/write-down.ts";
import { amendmentOf } from "./amendment-journal.ts";
import { asksNoLess, beyond } from "./narrowing.ts";
import { type ConsentRequest, lackOfPatience, stateOf, withAsked, withDecided } from "./request.ts";
import type { Asked } from "./request-convert.ts";
import type { KeptRequest, RequestRepository, StoredAsking, StoredRequest } from "./request-repository.ts";

export interface RequestChangesOptions {
  readonly consents: Pick<ConsentRepository, "current" | "get">;
  readonly requests: RequestRepository;
  readonly granting: Pick<Granting, "give" | "newConsent">;
  readonly changes: Pick<RecalledChanges, "again">;
  readonly journal: Pick<Follower, "tell">;
  readonly relay: Notified | undefined;
  readonly clock: Clock;
  /** A request lives in the time of the organization that asks; events say the true time. */
  readonly times: Pick<OrganizationTimes, "now">;
  readonly ids: Ids;
}

/** What an organization asks of whom. */
export interface Asking extends Asked {
  readonly partition: string;
  readonly requester: Author;
  readonly origin: { readonly mac: string; readonly requestDigest: string };
}

const attempts = 20;

/** The changes of requests. */
export class RequestChanges {
  readonly #options: RequestChangesOptions;

  constructor(options: RequestChangesOptions) {
    this.#options = options;
  }

  /** The request that an earlier attempt made. Throws `request_id_reused`. */
  async repeated({ mac, requestDigest }: Asking["origin"]): Promise<KeptRequest | undefined> {
    const earlier = await this.#options.requests.findByOrigin(mac);
    if (earlier === undefined || earlier.requestDigest === requestDigest) return earlier;
    const message = "this request_id asked for something else: choose a new one";
    throw new ConsentError("request_id_reused", { message });
  }

  /**
   * Permits nothing. `about` is called once the patient can be asked: what is refused before names nobody, as for an id that stands
   * for nobody. Throws `request_patient_unknown`, `requests_open`, `request_refused`, `consent_over`, `consent_denies`,
   * `request_id_reused`, `unavailable`.
   */
  async create(
    asking: Asking,
    { about, leafOf }: { about(): void; leafOf(): Change },
  ): Promise<{ kept: KeptRequest; changed: boolean }> {
    const { requests, consents, clock, times, ids, relay } = this.#options;
    const { partition, origin, continues, ...asked } = asking;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const earlier = await this.repeated(origin);
      if (earlier) {
        about();
        return { kept: earlier, changed: false };
      }
      const current = await consents.current(partition);
      // Nobody learns by asking that a patient was erased, or died.
      if (current.closed || isFrozen(current)) throw new ConsentError("request_patient_unknown");
      about();
      const now = times.now(asked.terms.grantee);
      const before = await requests.asking(partition, asked.terms.grantee, now);
      await this.#checkAsking(before, asked.terms, now);
      const base = continues === "" ? undefined : baseOf(current, continues, asked.terms.grantee, now);
      const request: ConsentRequest = {
        id: ids.next("crq"),
        requester: asked.requester,
        terms: asked.terms,
        why: asked.why,
        language: asked.language,
        ...(base && { continues: continuedBy(base) }),
        createTime: now,
        expireTime: asked.expireTime,
      };
      const change = {
        partition,
        changes: (key: Parameters<RequestRepository["insertion"]>[0]) => [
          requests.insertion(key, { partition, request }, origin),
          requests.askingChange(key, before, withAsked(before.asking, request)),
        ],
        events: [requestChanged(partition, request.id, "created", clock.now())],
      };
      const done = await requests.commit(change, leafOf());
      if (done === undefined) throw new ConsentError("request_patient_unknown");
      if (!done) continue;
      relay?.notify();
      return { kept: { partition, request }, changed: true };
    }
    throw new ConsentError("unavailable");
  }

  /**
   * Once it resolves, the consent holds as if the patient had granted it alone. The same choice again gives the same consent.
   * Throws `request_decided`, `request_lapsed`, `consent_over`, `journal_unavailable` (it holds; send it again), and as
   * `Granting.create`.
   */
  async accept(
    found: KeptRequest,
    terms: Terms,
    by: Author,
    leafOf: LeafOf,
  ): Promise<{ consent: Consent; kept: KeptRequest; changed: boolean }> {
    const { granting, journal, times } = this.#options;
    const { partition, request } = found;
    const choice = digest(terms);
    let kept: KeptRequest = found;
    const { consent, changed } = await granting.give(partition, by, leafOf, async (current, time) => {
      const now = times.now(terms.grantee);
      const stored = await this.#stored(found);
      kept = stored;
      const earlier = stored.request.decision;
      if (earlier?.state === "accepted" && earlier.choice === choice) {
        return { repeated: await this.#accepted(partition, earlier.consent) };
      }
      checkOpen(stored.request, now);
      const gift = this.#giftOf(stored, current, terms, { by, time, now });
      const { id, version } = gift.consent;
      const decided: ConsentRequest = {
        ...stored.request,
        decision: {
          state: "accepted",
          time: now,
          by,
          consent: id,
          version,
          choice,
          narrows: gift.narrows ?? false,
        },
      };
      kept = { partition, request: decided };
      const asking = await this.#options.requests.asking(partition, terms.grantee, now);
      return {
        ...gift,
        also: this.#decisionChanges(stored, asking, decided),
        events: [requestChanged(partition, request.id, "accepted", time)],
      };
    });
    const { decision } = kept.request;
    if (decision?.state === "accepted" && decision.narrows) {
      const { consent: id, version, time } = decision;
      await writeDown(journal, amendmentOf(partition, { id, version }, time));
    }
    return { consent, kept, changed };
  }

  /**
   * Refuses, or, for the organization, withdraws. Deciding the same again changes nothing. Throws `request_decided`,
   * `request_lapsed`, `unavailable`.
   */
  async end(
    found: KeptRequest,
    state: "refused" | "withdrawn",
    by: Author,
    leafOf: () => Change,
  ): Promise<{ kept: KeptRequest; changed: boolean }> {
    const { requests, clock, times, relay } = this.#options;
    const { partition } = found;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const stored = await this.#stored(found);
      if (stored.request.decision?.state === state) return { kept: stored, changed: false };
      const now = times.now(stored.request.terms.grantee);
      checkOpen(stored.request, now);
      const decided: ConsentRequest = { ...stored.request, decision: { state, time: now, by } };
      const asking = await requests.asking(partition, decided.terms.grantee, now);
      const change = {
        partition,
        changes: this.#decisionChanges(stored, asking, decided),
        events: [requestChanged(partition, decided.id, state, clock.now())],
      };
      const done = await requests.commit(change, leafOf());
      if (done === undefined) throw new ConsentError("request_not_found");
      if (!done) continue;
      relay?.notify();
      return { kept: { partition, request: decided }, changed: true };
    }
    throw new ConsentError("unavailable");
  }

  #decisionChanges(
    stored: StoredRequest,
    asking: StoredAsking,
    decided: ConsentRequest,
  ): NonNullable<Gift["also"]> {
    const { requests } = this.#options;
    return (key) => [
      requests.replacement(key, stored, decided),
      requests.askingChange(key, asking, withDecided(asking.asking, decided)),
    ];
  }

  /** Throws `requests_open`, `request_refused`. */
  async #checkAsking({ partition, asking }: StoredAsking, terms: Terms, now: number): Promise<void> {
    const lack = lackOfPatience(asking);
    if (lack) {
      throw new ConsentError("requests_open", { message: lack.what, retryAfterMs: lack.until - now });
    }
    const { requests } = this.#options;
    const refused = await Promise.all(asking.refused.map(({ request }) => requests.get(partition, request)));
    if (refused.some((one) => one !== undefined && asksNoLess(terms, one.request.terms, partition))) {
      throw new ConsentError("request_refused");
    }
  }

  /** What the patient gives by accepting, at the true `time` and at the organization's `now`. Throws `consent_over`. */
  #giftOf(
    { partition, request }: StoredRequest,
    current: CurrentConsents,
    terms: Terms,
    { by, time, now }: { readonly by: Author; readonly time: number; readonly now: number },
  ): Gift {
    const replaced = continuedConsent(request, current, now);
    if (replaced === undefined) {
      const requestId = digest([partition, "consent request", request.id]);
      const origin = { requestId, requestDigest: digest(terms) };
      return { consent: this.#options.granting.newConsent(terms, by, time), origin };
    }
    const consent = amended(replaced, terms, by);
    const narrows = beyond(replaced.terms, terms, { partition, from: now }) !== undefined;
    const owed = narrows ? [amendmentOf(partition, consent, time)] : [];
    return { consent, replaced, narrows, owed };
  }

  /** The consent of an earlier acceptance, as it is now, recalled once more: that attempt may have ended before the recall. */
  async #accepted(partition: string, id: string): Promise<Consent> {
    const consent = await this.#options.consents.get(partition, id);
    if (consent === undefined) throw new ConsentError("request_not_found");
    await this.#options.changes.again(partition, { ...scopeOfGrant(consent.terms), onlyWidens: false });
    return consent;
  }

  /** Throws `request_not_found`. */
  async #stored({ partition, request }: KeptRequest): Promise<StoredRequest> {
    const stored = await this.#options.requests.get(partition, request.id);
    if (stored === undefined) throw new ConsentError("request_not_found");
    return stored;
  }
}

/** Who may see the request depends on what the consent is about, too. */
function continuedBy({ id, version, terms }: Consent): NonNullable<ConsentRequest["continues"]> {
  return { consent: id, version, categories: categoryNames(terms) };
}

/**
 * The consent of which accepting a request makes the next version; undefined where it makes a new one. Throws `consent_over`,
 * `consent_denies`.
 */
export function continuedConsent(
  { continues, terms }: ConsentRequest,
  current: CurrentConsents,
  now: number,
): Consent | undefined {
  if (continues === undefined) return undefined;
  const base = baseOf(current, continues.consent, terms.grantee, now);
  if (base.version !== continues.version) throw new ConsentError("consent_over");
  return base;
}

/** Throws `request_decided`, `request_lapsed`. */
export function checkOpen(request: ConsentRequest, now: number): void {
  const state = stateOf(request, now);
  if (state === "lapsed") throw new ConsentError("request_lapsed");
  if (state !== "open") throw new ConsentError("request_decided");
}

/** The consent that is continued. Throws `consent_over`, `consent_denies`. */
function baseOf({ consents }: CurrentConsents, id: string, grantee: string, now: number): Consent {
  const base = consents.find((one) => one.id === id && one.terms.grantee === grantee);
  if (base === undefined || stateOfConsent(base, now) !== "active") throw new ConsentError("consent_over");
  // Its denials end with it, and nobody but the patient ends a denial.
  if (denies(base.terms)) throw new ConsentError("consent_denies");
  return base;
}
