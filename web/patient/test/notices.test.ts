import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  Notice_Kind as Kind,
  type Notice,
  NoticeSchema,
  PreferencesSchema,
} from "@wellapi/gen/wellapi/notices/v1/notices_pb";
import { createFormats } from "@wellapi/ui/browser/formats";
import { describe, expect, test } from "vitest";
import { shownNotices, withFresh } from "../app/notices/list.ts";
import { draftOf, kindGroups, quietProblem, updateOf, withMuted } from "../app/notices/preferences.ts";
import { pushStanding } from "../app/notices/push-standing.ts";
import { noticeText, pathOfNotice } from "../app/notices/sentence.ts";
import { de } from "../app/words/de.ts";
import { en } from "../app/words/en.ts";

type Init = Exclude<MessageInitShape<typeof NoticeSchema>, Notice>;
const notice = (id: string, more: Omit<Init, "$typeName"> = {}) =>
  create(NoticeSchema, { id, kind: Kind.FIRST_ACCESS, ...more } as Init);

const kinds = Object.values(Kind).filter((kind): kind is Kind => typeof kind === "number" && kind !== 0);

describe("the inbox", () => {
  test("shows what comes while it is open once, also after it was loaded with the rest", () => {
    const [first, second, third] = [notice("1"), notice("2"), notice("3")];
    const fresh = withFresh(withFresh([], [second]), [third]);
    const shown = (loaded: readonly Notice[]) =>
      shownNotices(loaded, fresh, { marked: new Set(), unreadOnly: false }).map(({ notice }) => notice.id);
    expect(shown([first])).toEqual(["3", "2", "1"]);
    expect(shown([third, second, first])).toEqual(["3", "2", "1"]);
    expect(withFresh(fresh, [third]).map(({ id }) => id)).toEqual(["3", "2"]);
  });

  test("of unread ones keeps what was marked a moment ago, and no other that is read", () => {
    const loaded = [notice("1"), notice("2", { read: true }), notice("3")];
    const shown = shownNotices(loaded, [], { marked: new Set(["3"]), unreadOnly: true });
    expect(shown.map(({ notice: { id }, read }) => [id, read])).toEqual([
      ["1", false],
      ["3", true],
    ]);
  });

  test.each([
    ["en", en],
    ["de", de],
  ] as const)(
    "has a sentence for each kind of the contract, and one for those to come (%s)",
    (language, words) => {
      const place = { words, formats: createFormats(language, "UTC") };
      const texts = kinds.map((kind) => noticeText(notice("1", { kind }), "Clinic", place));
      expect(new Set(texts).size).toBe(kinds.length);
      expect(texts).not.toContain(words.notices.unknown);
      expect(noticeText(notice("1", { kind: 99 as Kind }), "Clinic", place)).toBe(words.notices.unknown);
    },
  );

  test("leads to the request, the organization, or the log", () => {
    const of = (kind: Kind, more: Omit<Init, "$typeName"> = { organization: "org_1" }) =>
      pathOfNotice(notice("1", { kind, ...more }));
    expect(of(Kind.CONSENT_REQUESTED, { organization: "org_1", consentRequest: "crq_1" })).toBe(
      "requests/crq_1",
    );
    expect(of(Kind.ACCESS_AT_NIGHT)).toBe("organizations/org_1");
    expect(of(Kind.EMERGENCY_ACCESS)).toBe("log");
    expect(of(Kind.DELEGATION_ACCEPTED, {})).toBe("log");
  });
});

describe("the preferences", () => {
  test("offer to mute each kind of the contract but emergency access, each with a name", () => {
    const offered = Object.values(kindGroups).flat();
    expect(new Set(offered)).toEqual(new Set(kinds.filter((kind) => kind !== Kind.EMERGENCY_ACCESS)));
    for (const kind of offered)
      expect([en.notices.kinds[kind], de.notices.kinds[kind]]).not.toContain(undefined);
  });

  test("are saved as they were, with what this page does not know", () => {
    const before = create(PreferencesSchema, {
      email: { enabled: true, mutedKinds: [Kind.CONSENT_REVOKED, 99 as Kind] },
      push: { enabled: false },
      quietHours: { startMinute: 1_325, endMinute: 425 },
      language: "de",
      etag: "7",
    });
    const draft = draftOf(before);
    expect([draft.quietFrom, draft.quietTo]).toEqual(["22:05", "07:05"]);
    expect(create(PreferencesSchema, updateOf(draft, before.etag).preferences)).toEqual(before);
    const email = withMuted(withMuted(draft.email, Kind.ACCESS_AT_NIGHT, true), Kind.CONSENT_REVOKED, false);
    expect(updateOf({ ...draft, email }, "7").preferences.email.mutedKinds).toEqual([
      99,
      Kind.ACCESS_AT_NIGHT,
    ]);
  });

  test("have no quiet hours where none are wanted, and none that the contract refuses", () => {
    const draft = draftOf(create(PreferencesSchema, {}));
    expect(quietProblem(draft)).toBeUndefined();
    expect(updateOf(draft, "").preferences).not.toHaveProperty("quietHours");
    expect(updateOf(draft, "").updateMask.paths).toContain("quiet_hours");
    const quiet = { ...draft, quiet: true };
    expect(quietProblem(quiet)).toBeUndefined();
    expect(quietProblem({ ...quiet, quietTo: quiet.quietFrom })).toBe("empty");
    expect(quietProblem({ ...quiet, quietTo: "" })).toBe("incomplete");
  });
});

describe("a browser that was to be told", () => {
  const kept = { id: "psh_1", endpoint: "https://push.example/1" };
  const here = { endpoint: kept.endpoint, key: "key" };
  test.each([
    ["is told while it is in the list", { kept, listed: ["psh_0", "psh_1"], current: here }, "on"],
    ["was removed where it is not in the list", { kept, listed: ["psh_0"], current: here }, "removed"],
    [
      "has moved where its address is another",
      { kept, listed: ["psh_1"], current: { ...here, endpoint: "2" } },
      "moved",
    ],
    [
      "has moved, not been removed, where the old address is gone from the list",
      { kept, listed: [], current: { ...here, endpoint: "2" } },
      "moved",
    ],
    ["has moved where it has no address any more", { kept, listed: ["psh_1"], current: undefined }, "moved"],
    [
      "has moved where the installation has another key",
      { kept, listed: ["psh_1"], current: { ...here, key: "old" } },
      "moved",
    ],
    [
      "is another record's where nobody switched it on for this one",
      { kept: undefined, listed: ["psh_1"], current: here },
      "off",
    ],
  ] as const)("%s", (_what, found, standing) => {
    expect(pushStanding({ ...found, key: "key" })).toBe(standing);
  });
});
