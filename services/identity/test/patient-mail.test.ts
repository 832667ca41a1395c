/** Mail to patients for the service that tells them what happened, which learns no address. */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ApplyDeathRequest_Event as Event } from "@wellapi/gen/wellapi/internal/identity/v1/death_directory_service_pb";
import type { Caller } from "@wellapi/rpc";
import { expect, test } from "vitest";
import { createInstallation } from "./installation.ts";
import { callerOf, register } from "./people.ts";

const email = "ada@canary.example";
const service = (id: string): Caller => ({ principal: { kind: "service", id }, workload: id, token: "" });
const letter = { messageId: "ntc_1.usr_1", subject: "News", text: "See {origin}/me/" };

test("goes to the patient's own account, whose address is not told; to nobody else, and not while the record is frozen", async () => {
  const installation = await createInstallation();
  const { signedIn } = await register(installation, email);
  const partition = (await callerOf(installation, signedIn, "")).principal.partition!;
  const { patientMail } = installation.as(service("notices"));
  const sent = () => installation.mailbox.mails.filter(({ text }) => text.startsWith("See "));

  const found = await patientMail.listMailRecipients({ partition });
  expect(found.recipients).toMatchObject([{ language: "en", hides: [] }]);
  expect(JSON.stringify(found)).not.toContain("canary");
  const { account } = found.recipients[0]!;
  expect(await patientMail.sendPatientMail({ ...letter, partition, account })).toMatchObject({ sent: true });
  expect(sent()).toMatchObject([{ to: email, text: expect.stringMatching(/^See https?:\/\/.+\/me\/$/) }]);
  const other = { ...letter, partition, account: "usr_another" };
  expect(await patientMail.sendPatientMail(other)).toMatchObject({ sent: false });

  await installation.as(service("consent")).deaths.applyDeath({
    organization: "",
    deathReport: "dth_1",
    partition,
    change: 1,
    freezeTime: timestampFromMs(installation.clock.time),
    event: Event.CONFIRMED,
  });
  expect((await patientMail.listMailRecipients({ partition })).recipients).toEqual([]);
  expect(await patientMail.sendPatientMail({ ...letter, partition, account })).toMatchObject({ sent: false });
  expect(sent()).toHaveLength(1);
});
