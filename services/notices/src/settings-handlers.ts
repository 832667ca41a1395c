import { createECDH } from "node:crypto";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { RunLogged } from "@wellapi/access-log";
import { PreferencesSchema } from "@wellapi/gen/wellapi/notices/v1/notices_pb";
import { NoticesService } from "@wellapi/gen/wellapi/notices/v1/notices_service_pb";
import { callerKey, maskedFields, type Principal } from "@wellapi/rpc";
import type { Call } from "./accesses.ts";
import { etagOf, preferencesMessage, subscriptionMessage, withFields } from "./convert.ts";
import { noticesError } from "./errors.ts";
import type { PreferencesRepository } from "./preferences-repository.ts";
import { isKnownEndpoint, OWN } from "./push-subscription.ts";
import type { SubscriptionRepository } from "./subscription-repository.ts";

export interface SettingsHandlersDeps {
  readonly preferences: PreferencesRepository;
  readonly subscriptions: SubscriptionRepository;
  readonly logged: RunLogged<Call>;
  /** Public part of the key of web push, base64url. */
  readonly pushKey: string;
  /** Of the push services to which this installation sends. */
  readonly pushHosts: readonly string[];
  readonly clock: { now(): number };
}

type Handlers = Omit<ServiceImpl<typeof NoticesService>, "listNotices" | "markNoticesRead" | "watchNotices">;

const { method } = NoticesService;

export function createSettingsHandlers(deps: SettingsHandlersDeps): Handlers {
  const { preferences, subscriptions, logged, pushKey, pushHosts, clock } = deps;
  return {
    async getPreferences(_request, context) {
      return { preferences: preferencesMessage(await preferences.get(partitionOf(context)), pushKey) };
    },
    updatePreferences({ preferences: asked, updateMask }, context) {
      return logged(context, method.updatePreferences, "", async ({ partition, commit }) => {
        const fields = maskedFields(PreferencesSchema, asked, updateMask);
        if (asked === undefined) throw new TypeError("the contract requires preferences");
        const kept = await preferences.amend(
          partition,
          ({ preferences: before, version }) => {
            if (asked.etag !== "" && asked.etag !== etagOf(version)) throw noticesError("stale_etag");
            return withFields(before, asked, fields);
          },
          commit,
        );
        return { preferences: preferencesMessage(kept, pushKey) };
      });
    },
    async listPushSubscriptions(_request, context) {
      const found = await subscriptions.list(partitionOf(context));
      return { pushSubscriptions: found.map(subscriptionMessage) };
    },
    createPushSubscription({ endpoint, p256dh, auth, language }, context) {
      return logged(context, method.createPushSubscription, "", async ({ partition, commit }) => {
        if (!isKnownEndpoint(endpoint, pushHosts)) throw noticesError("unknown_push_service");
        checkPoint(p256dh);
        const content = {
          endpoint,
          p256dh: Buffer.from(p256dh).toString("base64url"),
          auth: Buffer.from(auth).toString("base64url"),
          language: language === "de" ? "de" : "en",
          account: accountOf(context.values.get(callerKey).principal),
        } as const;
        const subscription = await subscriptions.put(partition, content, clock.now(), commit);
        return { pushSubscription: subscriptionMessage(subscription) };
      });
    },
    deletePushSubscription({ pushSubscription }, context) {
      return logged(context, method.deletePushSubscription, "", async ({ partition, commit }) => {
        await commit([subscriptions.deletion(partition, pushSubscription)]);
        return {};
      });
    },
  };
}

/** Throws `push_key_invalid`: otherwise nothing could ever be encrypted for the browser. */
function checkPoint(point: Uint8Array): void {
  const own = createECDH("prime256v1");
  own.generateKeys();
  try {
    own.computeSecret(point);
  } catch (cause) {
    throw noticesError("push_key_invalid", { cause });
  }
}

/** Whose browser it is: a token that an operator issued, or that an application got, is the patient's. */
function accountOf({ actor }: Principal): string {
  const own = actor === undefined || actor.kind === "operator" || actor.kind === "application";
  return own ? OWN : actor.id;
}

/** Throws `not_permitted`. */
function partitionOf(context: HandlerContext): string {
  const { kind, partition } = context.values.get(callerKey).principal;
  if (kind !== "patient" || partition === undefined) throw noticesError("not_permitted");
  return partition;
}
