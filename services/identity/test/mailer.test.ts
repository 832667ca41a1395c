import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Code } from "@connectrpc/connect";
import { createLogger, type Logger } from "@wellapi/runtime";
import { SMTPServer } from "smtp-server";
import { expect, onTestFinished, test } from "vitest";
import { openMailer } from "../src/mail/open-mailer.ts";
import { problem } from "./problem.ts";

const clock = { now: () => Date.UTC(2026, 10, 25), monotonic: () => 0 };
const mail = { to: "ada@example.com", subject: "123456 is your code", text: "Your code is 123456.\n." };

/** A mail server on this machine, and what it took. */
async function openServer(refuses = false) {
  const taken: { readonly to: readonly string[]; readonly text: string }[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        taken.push({
          to: session.envelope.rcptTo.map(({ address }) => address),
          text: Buffer.concat(chunks).toString(),
        });
        done(
          refuses ? Object.assign(new Error("no such user ada@example.com"), { responseCode: 550 }) : null,
        );
      });
    },
  });
  server.on("error", () => {});
  const listening = server.listen(0, "127.0.0.1");
  await once(listening, "listening");
  onTestFinished(() => new Promise((resolve) => server.close(resolve)));
  return { url: `smtp://127.0.0.1:${(listening.address() as AddressInfo).port}`, taken };
}

function lines(): { readonly log: Logger; readonly lines: string[] } {
  const kept: string[] = [];
  const destination = { write: (line: string) => void kept.push(line) };
  return {
    log: createLogger({ name: "test", env: { WELLAPI_LOG_LEVEL: "debug" }, destination }),
    lines: kept,
  };
}

test("mail goes out by SMTP, to one recipient, from the address that is set", async () => {
  const { url, taken } = await openServer();
  const { log } = lines();
  const opened = await openMailer(
    { profile: "production", smtpUrl: url, mailFrom: "WellAPI <accounts@wellapi.example>" },
    { clock, log },
  );
  onTestFinished(opened.close);
  await opened.mailer.send(mail);
  expect(taken.map(({ to }) => to)).toEqual([["ada@example.com"]]);
  expect(taken[0]!.text).toContain("From: WellAPI <accounts@wellapi.example>");
  expect(taken[0]!.text).toContain("Auto-Submitted: auto-generated");
  expect(taken[0]!.text).toContain("Your code is 123456.");
  expect(opened.mailbox).toBeUndefined();
});

test("mail that the server refuses, or that no server takes, is refused without a word about its recipient", async () => {
  const { url } = await openServer(true);
  for (const smtpUrl of [url, "smtp://127.0.0.1:1"]) {
    const { log } = lines();
    const opened = await openMailer(
      { profile: "production", smtpUrl, mailFrom: "a@b.example" },
      { clock, log },
    );
    onTestFinished(opened.close);
    const error = (await opened.mailer.send(mail).catch((one: unknown) => one)) as Error;
    expect(problem(Code.Unavailable, "MAIL_UNAVAILABLE")(error)).toBe(true);
    expect(
      `${error.message} ${(error.cause as Error).message} ${(error.cause as Error).stack}`,
    ).not.toContain("ada@");
  }
});

test("a sandbox keeps mail in memory and says where, without the code; production without SMTP refuses", async () => {
  const sandbox = lines();
  const { mailer, mailbox } = await openMailer({ profile: "sandbox" }, { clock, log: sandbox.log });
  for (let i = 0; i < 101; i++) await mailer.send({ ...mail, subject: String(i) });
  expect(mailbox!.list()).toHaveLength(100);
  expect(mailbox!.list("ada@example.com")[0]).toMatchObject({ subject: "100", createTime: clock.now() });
  expect(mailbox!.list("bob@example.com")).toEqual([]);
  expect(sandbox.lines.join()).toContain("/mailbox");
  expect(sandbox.lines.join()).not.toMatch(/123456|ada@/);

  const production = lines();
  const none = await openMailer({ profile: "production" }, { clock, log: production.log });
  expect(production.lines.join()).toContain("WELLAPI_SMTP_URL");
  await expect(none.mailer.send(mail)).rejects.toSatisfy(problem(Code.FailedPrecondition, "MAIL_NOT_SET_UP"));
  expect(none.mailbox).toBeUndefined();
});
