import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Access,
  AccessSchema,
  LoggedAccessSchema,
  Access_Outcome as Outcome,
} from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { Actor_Kind, Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { createFormats } from "@wellapi/ui/browser/formats";
import { describe, expect, test } from "vitest";
import { fits } from "../app/log/filter.ts";
import { happeningOf } from "../app/log/happening.ts";
import { readsByDay } from "../app/log/reads.ts";
import { sentenceOf } from "../app/log/sentence.ts";
import { de } from "../app/words/de.ts";
import { en } from "../app/words/en.ts";

type Init = Exclude<MessageInitShape<typeof AccessSchema>, Access>;

function access(method: string, more: Init) {
  const usual = { method: `wellapi.identity.v1.${method}`, outcome: Outcome.PERMITTED };
  return create(AccessSchema, { ...usual, ...more } as Init);
}

const person = (id: string) => ({ actor: { kind: Actor_Kind.PERSON, id } });
const petition = access("GuardianshipService/CreatePetition", person("usr_stranger"));
const own = access("AccountService/UpdateAccount", person("usr_ada"));

describe("who did what is in an entry", () => {
  const formats = createFormats("en", "UTC");
  const self = { as: "self", name: "Ada Example" } as const;
  const told = (one: Access, ownAccount: string, record: { as: "self" | "guardian"; name: string } = self) =>
    sentenceOf(one, happeningOf(one, ownAccount), undefined, { words: en, formats, record });

  test("is a look at what an organization sees, in the name of who looked", () => {
    const preview = access("x", {
      method: "wellapi.records.v1.PreviewService/PreviewReads",
      actor: { kind: Actor_Kind.PATIENT, id: "pat_ada" },
      direction: Direction.READ,
      previewedOrganization: "org_1",
      codes: ["8867-4"],
    });
    const by = { words: en, formats, record: self };
    const happening = happeningOf(preview, "usr_ada");
    expect(sentenceOf(preview, happening, "Hillside", by)).toBe("You looked at what Hillside sees.");
    expect(readsByDay([preview], () => "2026-11-27")).toEqual([]);
  });

  test("is a file that was asked for and fetched, and no read of nothing", () => {
    const by = { actor: { kind: Actor_Kind.PATIENT, id: "pat_ada" }, direction: Direction.READ };
    const [asked, fetched] = ["PrepareDownload", "OpenDownload"].map((name) =>
      access("x", { method: `wellapi.records.v1.ExportService/${name}`, codes: ["8867-4"], ...by }),
    );
    expect([told(asked!, "usr_ada"), told(fetched!, "usr_ada")]).toEqual([
      "You asked for data as a file.",
      "You downloaded data as a file.",
    ]);
  });

  test("is a stranger's where another person asks to act for the patient, to the patient and to a guardian", () => {
    expect(happeningOf(petition, "usr_ada").doer).toBe("person");
    expect(told(petition, "usr_ada")).toBe("A signed-in person asked to act for you.");
    const guardian = { as: "guardian", name: "Ben Example" } as const;
    expect(told(petition, "", guardian)).toBe("A signed-in person asked to act for Ben Example.");
    const place = { words: de, formats, record: self };
    expect(sentenceOf(petition, happeningOf(petition, "usr_ada"), undefined, place)).toBe(
      "Beantragt, für Sie zu handeln: Eine angemeldete Person.",
    );
  });

  test("is among what others did, unless it is known to be the patient's", () => {
    const others = { show: "others" } as const;
    const shown = (one: Access, ownAccount: string) =>
      fits(create(LoggedAccessSchema, { access: one }), others, ownAccount);
    expect([shown(petition, "usr_ada"), shown(own, ""), shown(own, "usr_ada")]).toEqual([true, true, false]);
  });

  test("is the patient's where it is their own account, and that is known", () => {
    expect(told(own, "usr_ada")).toBe("You changed settings.");
    expect(told(own, "")).toBe("A signed-in person changed settings.");
    expect(happeningOf(access("AccountService/UpdateAccount", person("")), "").doer).toBe("person");
  });

  test("is told by the patient's name to who acts for them", () => {
    const erased = access("ErasureService/ErasePatient", {
      actor: { kind: Actor_Kind.PATIENT, id: "pat_1" },
    });
    const carer = access("PatientService/UpdatePatient", { actor: { kind: Actor_Kind.CARER, id: "usr_1" } });
    expect([told(erased, "usr_ada"), told(carer, "usr_ada")]).toEqual([
      "You erased data.",
      "Somebody who acts for you changed settings.",
    ]);
    const guardian = { as: "guardian", name: "Ben Example" } as const;
    expect([told(erased, "", guardian), told(carer, "", guardian)]).toEqual([
      "Ben Example erased data.",
      "Somebody who acts for Ben Example changed settings.",
    ]);
  });

  test("is nobody's known where a sign-in was refused", () => {
    const signIn = (outcome: Outcome) =>
      access("SignInService/FinishSignIn", { ...person("usr_ada"), outcome });
    expect(told(signIn(Outcome.PERMITTED), "usr_ada")).toBe("You signed in.");
    expect(happeningOf(signIn(Outcome.DENIED), "usr_ada").doer).toBe("person");
    expect(told(signIn(Outcome.DENIED), "usr_ada")).toBe("Somebody tried to sign in as you.");
  });
});
