import type { Clock, Ids } from "@wellapi/runtime";
import type { OrganizationTimes } from "@wellapi/service";
import type { OutboxEvent } from "@wellapi/store";
import {
  type Author,
  type Consent,
  type CurrentConsents,
  isFrozen,
  type PinnedCategory,
  type Provision,
  scopeOfGrant,
} from "../consent.ts";
import type { ConsentRepository } from "../consent-repository.ts";
import { ConsentError } from "../errors.ts";
import { digest } from "../etag.ts";
import { rightsChanged } from "../event-convert.ts";
import type { Gift, Granting } from "../granting.ts";
import type { RecalledChanges } from "../recalled-changes.ts";
import type { Beside, LeafOf, Revocations } from "../revocation.ts";
import type { RightsCommits } from "./rights-commit.ts";
import type { KeptRights, RightsRepository, StoredRights } from "./rights-repository.ts";
import {
  countedMs,
  denialOf,
  mostRequests,
  type Right,
  type RightsRequest,
  stateOf,
} from "./rights-request.ts";

export interface RightsChangesOptions {
  readonly consents: Pick<ConsentRepository, "current" | "get">;
  readonly rights: RightsRepository;
  readonly granting: Pick<Granting, "give" | "newConsent" | "writeDown">;
  readonly revocations: Pick<Revocations, "revoke" | "writeDown">;
  readonly changes: Pick<RecalledChanges, "again">;
  readonly commits: RightsCommits;
  readonly clock: Pick<Clock, "now">;
  /** A request lives in the time of the organization that answers it; events and consents say the true time. */
  readonly times: Pick<OrganizationTimes, "now">;
  readonly ids: Ids;
}

/** What a patient demands of whom. */
export interface Demand {
  readonly partition: string;
  readonly organization: string;
  readonly right: Right;
  readonly statement: string;
  /** What it is about. */
  readonly categories: readonly PinnedCategory[];
  readonly author: Author;
  readonly requestId: string;
  readonly requestDigest: string;
}

interface Made {
  readonly kept: KeptRights;
  readonly changed: boolean;
  /** The consent that denies, where there is one. */
  readonly denial?: Consent;
}

const attempts = 20;

/** What patients do with rights requests. */
export class RightsChanges {
  readonly #options: RightsChangesOptions;

  constructor(options: RightsChangesOptions) {
    this.#options = options;
  }

  /**
   * The request that an earlier attempt made, recalled once more, and where it denies also written down, because that attempt may have
   * ended in between. Throws `request_id_reused`, `journal_unavailable`, `unavailable`.
   */
  async repeated(
    demand: Pick<Demand, "partition" | "requestId" | "requestDigest">,
  ): Promise<Made | undefined> {
    const { rights, consents, granting, changes, commits } = this.#options;
    const { partition, requestId, requestDigest } = demand;
    const earlier = await rights.findByOrigin(rights.originMacOf(partition, requestId));
    if (earlier === undefined) return undefined;
    if (earlier.requestDigest !== requestDigest) {
      const message = "this request_id demanded something else: choose a new one";
      throw new ConsentError("request_id_reused", { message });
    }
    await commits.again(partition, earlier.request);
    const { denial: id } = earlier.request;
    const denial = id === undefined ? undefined : await consents.get(partition, id);
    if (denial === undefined || denial.revokeTime !== undefined) return { kept: earlier, changed: false };
    await changes.again(partition, scopeOfGrant(denial.terms));
    await granting.writeDown(partition, denial);
    return { kept: earlier, changed: false, denial };
  }

  /**
   * Once it resolves, what it denies is denied on every enforcer, and a restore cannot undo that; what it disputes is marked for
   * every read that starts later. Throws `patient_erased`, `record_frozen`, `rights_limited`, `too_many_consents`, `request_id_reused`,
   * `journal_unavailable` (it holds; send it again), `unavailable`.
   */
  async create(demand: Demand, leafOf: LeafOf): Promise<Made> {
    const denial = denialOf(demand.right, demand.categories);
    if (denial !== undefined) return this.#createDenying(demand, denial, leafOf);
    const { consents, commits } = this.#options;
    const { partition, categories } = demand;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const earlier = await this.repeated(demand);
      if (earlier !== undefined) return earlier;
      await this.#check(demand, await consents.current(partition));
      const leaf = leafOf([]);
      const { kept, insertion, event } = this.#newRequest(demand, leaf.id);
      const { request } = kept;
      const documents = (key: Parameters<typeof insertion>[0]) => [insertion(key)];
      const done = await commits.make({
        partition,
        request,
        categories,
        documents,
        leaf: leaf.change,
        event,
      });
      if (done === undefined) throw new ConsentError("patient_erased");
      if (!done) continue;
      return { kept, changed: true };
    }
    throw new ConsentError("unavailable");
  }

  /**
   * Once it resolves, the request denies and marks nothing any more. Withdrawing again changes nothing. Throws `rights_decided` for what was
   * fulfilled and denies nothing, `journal_unavailable` (it holds; send it again), `unavailable`.
   */
  async withdraw(
    found: KeptRights,
    by: Author,
    leafOf: LeafOf,
  ): Promise<{ kept: KeptRights; changed: boolean }> {
    const { rights, revocations, commits } = this.#options;
    const { partition, request } = found;
    const marked = async (): Promise<Withdrawing | undefined> => {
      const stored = await rights.get(partition, request.id);
      if (stored === undefined) throw new ConsentError("rights_not_found");
      return stored.request.withdrawTime === undefined ? this.#withdrawing(stored) : undefined;
    };
    if (request.denial !== undefined) {
      const asked = { consent: request.denial, etag: "", beside: marked };
      const { consent, changed } = await revocations.revoke(partition, asked, by, leafOf);
      await revocations.writeDown(partition, consent);
      if (changed) return { kept: await this.#now(found), changed };
    }
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const withdrawing = await marked();
      if (withdrawing === undefined) {
        await commits.again(partition, request);
        return { kept: await this.#now(found), changed: false };
      }
      const { kept, also: documents, event } = withdrawing;
      const leaf = leafOf([]).change;
      const done = await commits.make({ partition, request: kept.request, documents, leaf, event });
      if (done === undefined) throw new ConsentError("rights_not_found");
      if (!done) continue;
      return { kept, changed: true };
    }
    throw new ConsentError("unavailable");
  }

  /** The denial and its request are one commit. */
  async #createDenying(demand: Demand, denial: Provision, leafOf: LeafOf): Promise<Made> {
    const { granting } = this.#options;
    const { partition, organization, author, requestDigest } = demand;
    let made: Made | undefined;
    let leaf: ReturnType<LeafOf> | undefined;
    const decide = async (current: CurrentConsents, now: number): Promise<Gift | { repeated: Consent }> => {
      made = await this.repeated(demand);
      if (made?.denial !== undefined) return { repeated: made.denial };
      // Made and revoked by another attempt since: sent again, it is told.
      if (made !== undefined) throw new ConsentError("unavailable");
      await this.#check(demand, current);
      const terms = { grantee: organization, provisions: [denial], validity: {} };
      const consent = granting.newConsent(terms, author, now);
      leaf = leafOf([consent]);
      const { kept, insertion, event } = this.#newRequest(demand, leaf.id, consent.id);
      made = { kept, changed: true, denial: consent };
      return {
        consent,
        origin: { requestId: digest([partition, "rights", demand.requestId]), requestDigest },
        also: (key) => [insertion(key)],
        events: [event],
      };
    };
    const earlier = await this.repeated(demand);
    if (earlier !== undefined) return earlier;
    const { consent } = await granting.give(partition, author, (all) => leaf ?? leafOf(all), decide);
    await granting.writeDown(partition, consent);
    if (made === undefined) throw new ConsentError("unavailable");
    return made;
  }

  /** Throws `patient_erased`, `record_frozen`, `rights_limited`. */
  async #check({ partition, organization }: Demand, current: CurrentConsents): Promise<void> {
    if (current.closed) throw new ConsentError("patient_erased");
    if (isFrozen(current)) throw new ConsentError("record_frozen");
    const { rights, times } = this.#options;
    const since = times.now(organization) - countedMs;
    const made = await rights.count(partition, organization, since, mostRequests);
    if (made >= mostRequests) throw new ConsentError("rights_limited");
  }

  #newRequest(demand: Demand, access: string, denial?: string) {
    const { rights, clock, times, ids } = this.#options;
    const { partition, organization, right, statement, categories, author, requestId, requestDigest } =
      demand;
    const request: RightsRequest = {
      id: ids.next("rrq"),
      organization,
      right,
      statement,
      categories: categories.map(({ name }) => name),
      author,
      createTime: times.now(organization),
      access,
      answers: [],
      ...(denial !== undefined && { denial }),
    };
    const kept: KeptRights = { partition, request };
    const origin = { mac: rights.originMacOf(partition, requestId), requestDigest };
    return {
      kept,
      insertion: (key: Parameters<RightsRepository["insertion"]>[0]) => rights.insertion(key, kept, origin),
      event: rightsChanged(partition, request.id, "created", clock.now()),
    };
  }

  /** Throws `rights_decided`. */
  #withdrawing(stored: StoredRights): Withdrawing {
    const { rights, clock, times } = this.#options;
    const { partition, request } = stored;
    const now = times.now(request.organization);
    if (request.denial === undefined && stateOf(request, now) === "fulfilled") {
      throw new ConsentError("rights_decided");
    }
    const withdrawn = { ...request, withdrawTime: now };
    const event = rightsChanged(partition, request.id, "withdrawn", clock.now());
    return {
      kept: { partition, request: withdrawn },
      also: (key) => [rights.replacement(key, stored, withdrawn)],
      event,
      events: [event],
    };
  }

  async #now({ partition, request }: KeptRights): Promise<KeptRights> {
    const stored = await this.#options.rights.get(partition, request.id);
    if (stored === undefined) throw new ConsentError("rights_not_found");
    return stored;
  }
}

/** A request that is being withdrawn, and what is committed with that. */
interface Withdrawing extends Beside {
  readonly kept: KeptRights;
  readonly event: OutboxEvent;
}
