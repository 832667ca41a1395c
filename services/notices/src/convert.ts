import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  Notice_Kind as Kind,
  type NoticeSchema,
  type Preferences_Channel,
  type Preferences as PreferencesMessage,
  type PreferencesSchema,
  type PushSubscriptionSchema,
} from "@wellapi/gen/wellapi/notices/v1/notices_pb";
import { isTimeZone } from "@wellapi/normalize/time-zone";
import { invalidField } from "./errors.ts";
import type { Notice, NoticeKind } from "./notice.ts";
import type { Channel, Preferences } from "./preferences.ts";
import type { KeptPreferences } from "./preferences-repository.ts";
import type { PushSubscription } from "./push-subscription.ts";

const kinds = {
  consent_granted: Kind.CONSENT_GRANTED,
  consent_changed: Kind.CONSENT_CHANGED,
  consent_revoked: Kind.CONSENT_REVOKED,
  consent_ending: Kind.CONSENT_ENDING,
  consent_requested: Kind.CONSENT_REQUESTED,
  first_access: Kind.FIRST_ACCESS,
  access_at_night: Kind.ACCESS_AT_NIGHT,
  access_after_silence: Kind.ACCESS_AFTER_SILENCE,
  access_much_more: Kind.ACCESS_MUCH_MORE,
  emergency_access: Kind.EMERGENCY_ACCESS,
  data_retracted: Kind.DATA_RETRACTED,
  delegation_accepted: Kind.DELEGATION_ACCEPTED,
  rights_answered: Kind.RIGHTS_ANSWERED,
  rights_overdue: Kind.RIGHTS_OVERDUE,
  deletion_overdue: Kind.DELETION_OVERDUE,
  deletion_answered: Kind.DELETION_ANSWERED,
} as const satisfies Readonly<Record<NoticeKind, Kind>>;

const kindOf = new Map<Kind, NoticeKind>(
  Object.entries(kinds).map(([kind, message]) => [message, kind as NoticeKind]),
);

export function noticeMessage(notice: Notice): MessageInitShape<typeof NoticeSchema> {
  const { id, kind, createTime, eventTime, read, endTime } = notice;
  return {
    id,
    kind: kinds[kind],
    createTime: timestampFromMs(createTime),
    eventTime: timestampFromMs(eventTime),
    read,
    organization: notice.organization ?? "",
    consent: notice.consent ?? "",
    consentRequest: notice.consentRequest ?? "",
    access: notice.access ?? "",
    emergencyAccess: notice.emergencyAccess ?? "",
    rightsRequest: notice.rightsRequest ?? "",
    deletionObligation: notice.deletionObligation ?? "",
    ...(endTime !== undefined && { endTime: timestampFromMs(endTime) }),
  };
}

export function preferencesMessage(
  { preferences, version }: KeptPreferences,
  pushKey: string,
): MessageInitShape<typeof PreferencesSchema> {
  const { email, push, quietHours, timeZone = "", language = "" } = preferences;
  return {
    email: channelMessage(email),
    push: channelMessage(push),
    ...(quietHours && { quietHours: { startMinute: quietHours.start, endMinute: quietHours.end } }),
    timeZone,
    language,
    etag: etagOf(version),
    pushKey,
  };
}

export function etagOf(version: number): string {
  return `v${version}`;
}

/** The preferences with the named fields of the message instead of theirs. Throws `invalid`. */
export function withFields(
  preferences: Preferences,
  asked: PreferencesMessage,
  fields: ReadonlySet<string>,
): Preferences {
  const { quietHours: quietBefore, timeZone: zoneBefore, language: languageBefore, ...rest } = preferences;
  const quiet = asked.quietHours && { start: asked.quietHours.startMinute, end: asked.quietHours.endMinute };
  const quietHours = fields.has("quiet_hours") ? quiet : quietBefore;
  const timeZone = fields.has("time_zone") ? asked.timeZone : zoneBefore;
  const language = fields.has("language") ? asked.language : languageBefore;
  if (timeZone !== undefined && timeZone !== "" && !isTimeZone(timeZone)) {
    throw invalidField("preferences.time_zone", "not an IANA time zone, for example Europe/Berlin");
  }
  return {
    ...rest,
    ...(fields.has("email") && { email: channelOf(asked.email) }),
    ...(fields.has("push") && { push: channelOf(asked.push) }),
    ...(quietHours && { quietHours }),
    ...(timeZone && { timeZone }),
    ...((language === "en" || language === "de") && { language }),
  };
}

export function subscriptionMessage({
  id,
  createTime,
  endpoint,
}: PushSubscription): MessageInitShape<typeof PushSubscriptionSchema> {
  return { id, createTime: timestampFromMs(createTime), host: new URL(endpoint).host };
}

function channelMessage({ enabled, muted }: Channel) {
  return { enabled, mutedKinds: muted.map((kind) => kinds[kind]) };
}

function channelOf(channel: Preferences_Channel | undefined): Channel {
  const muted = channel?.mutedKinds ?? [];
  return {
    enabled: channel?.enabled ?? false,
    muted: muted.map((kind) => kindOf.get(kind)).filter((kind) => kind !== undefined),
  };
}
