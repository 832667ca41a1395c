/**
 * The patient's pages in a real browser, of somebody who has given 500 organizations a permission and has three years of minutes: how long until the
 * overview is there, and how long a press on *Earlier* takes until the chart of the time before is drawn: of minutes that have just arrived, as after
 * an import, and of the same once they are compacted, as all are that are older than half an hour. Run with
 * `node bench/patient-pages.ts [organizations] [years]`; it prints one line of JSON a measurement, after some minutes of filling.
 */
import { createClient } from "@connectrpc/connect";
import { grant } from "@wellapi/demo/consents";
import { type Company, enrolCompany, operatorAt, originOf } from "@wellapi/demo/people";
import { type Announcement, startServer, temporaryFolder } from "@wellapi/demo/server";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { CaptureMethod, Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Page } from "playwright-core";
import { openAccount } from "../test/pages/accounts.ts";
import { buildSite } from "../web/patient/build.ts";
import { openChromium } from "./src/first-load.ts";
import { makeStart } from "./src/make-start.ts";
import { tell } from "./src/neighbour.ts";
import { assertRun } from "./src/result.ts";
import { compactSoon, settled } from "./src/settled.ts";
import { median } from "./src/statistics.ts";

const organizations = Number(process.argv[2] ?? 500);
const years = Number(process.argv[3] ?? 3);
const dayMs = 86_400_000;
const pans = 12;

type Reader = Awaited<ReturnType<typeof openAccount>>;

/** A value each minute, a day a batch. */
async function sendMinutes(company: Company, patient: string): Promise<number> {
  const ingestion = createClient(IngestionService, company.transport);
  const last = Math.floor(Date.now() / dayMs) * dayMs;
  const days = Array.from({ length: Math.round(years * 365) }, (_, at) => last - (at + 1) * dayMs);
  const send = async (from: number): Promise<void> => {
    const mantissas = Array.from({ length: 1_440 }, (_, at) => 60 + ((at * 7 + from / dayMs) % 50));
    const seconds = BigInt(from / 1_000);
    const series = {
      code: { code: "8867-4" },
      unit: "/min",
      device: { identifier: "watch", model: "Watch" },
      method: CaptureMethod.SENSED,
      times: {
        start: { case: "startTime" as const, value: { seconds, nanos: 0 } },
        utcOffsetMinutes: 60,
        spacing: { case: "periodMs" as const, value: 60_000 },
      },
      values: { case: "decimals" as const, value: { mantissas } },
    };
    await ingestion.createSeries({ batch: { requestId: `day-${from}`, patient, series: [series] } });
  };
  while (days.length > 0) await Promise.all(days.splice(0, 8).map(send));
  return Math.round(years * 365) * 1_440;
}

async function permit(reader: Reader, server: Parameters<typeof operatorAt>[0]): Promise<void> {
  const office = createClient(OrganizationService, operatorAt(server));
  for (let at = 0; at < organizations; at += 1) {
    const requestId = crypto.randomUUID();
    const named = { organization: { displayName: `Clinic ${at + 1}` }, requestId };
    const { organization } = await office.createOrganization(named);
    await grant({ transport: reader.as(reader.patient) }, { organization: organization!.id }, Direction.READ);
  }
}

interface Press {
  /** From the press until the picture is another one and nothing is awaited. */
  readonly ms: number;
  /** Of it, from the page's question for the buckets until their last byte. */
  readonly answerMs: number;
}

function pressed(page: Page, name: string): Promise<Press> {
  return page.evaluate<Press>(`new Promise((resolve) => {
    performance.clearResourceTimings();
    const before = document.querySelector(".chart svg")?.innerHTML;
    const button = [...document.querySelectorAll("button")].find((one) => one.textContent === ${JSON.stringify(name)});
    const start = performance.now();
    const look = () => {
      const now = document.querySelector(".chart svg")?.innerHTML;
      const waits = document.querySelector(".loading") !== null;
      if (now !== undefined && now !== before && !waits) {
        const asked = performance.getEntriesByType("resource").filter(({ name }) => name.includes("AggregateSeries"));
        const answerMs = asked.reduce((sum, { duration }) => sum + duration, 0);
        resolve({ ms: performance.now() - start, answerMs });
      }
      else requestAnimationFrame(look);
    };
    button.click();
    requestAnimationFrame(look);
  })`);
}

/** Looks at each frame. The page's policy forbids what Playwright has for this. */
function until(page: Page, expression: string): Promise<void> {
  return page.evaluate<void>(`new Promise((resolve) => {
    const look = () => (${expression} ? resolve() : requestAnimationFrame(look));
    look();
  })`);
}

async function overview(page: Page): Promise<void> {
  for (const visit of ["first", "again"]) {
    let calls = 0;
    const count = (): void => {
      calls += 1;
    };
    page.on("request", count);
    const start = performance.now();
    await page.goto("/me/");
    await until(page, 'document.querySelector(".tile") !== null');
    const tiles = performance.now() - start;
    page.off("request", count);
    tell(`overview, ${visit} visit`, {
      "ms to tiles": Math.round(tiles),
      requests: calls,
    });
  }
}

/** Presses until all are there: none without its name, none twice. */
async function pressedThrough(page: Page): Promise<void> {
  const more = page.getByRole("button", { name: /^Show more/ });
  while ((await more.count()) > 0) {
    await more.click();
    await until(page, "![...document.querySelectorAll('button')].some((one) => one.disabled)");
  }
  const names = await page.locator(".tile h3 a").allTextContents();
  const clinics = new Set(names.filter((name) => name.startsWith("Clinic ")));
  assertRun(clinics.size === organizations, "each organization is shown by its name");
  assertRun(names.length === organizations + 1, "no organization is shown twice");
}

async function panned(page: Page, minutes: string): Promise<void> {
  await page.goto("/me/data/8867-4");
  await page.locator(".chart svg").waitFor();
  for (const period of ["Day", "Week", "Month", "Year"]) {
    const before = await page.locator(".chart svg").innerHTML();
    await page.getByText(period, { exact: true }).click();
    if (period !== "Week") {
      const drawn = `document.querySelector(".chart svg")?.innerHTML !== ${JSON.stringify(before)} && !document.querySelector(".loading")`;
      await until(page, drawn);
    }
    const presses: Press[] = [];
    const most = period === "Year" ? years - 1 : pans;
    for (let at = 0; at < most; at += 1) presses.push(await pressed(page, "Earlier"));
    const times = presses.map(({ ms }) => ms);
    tell(`pan by ${period.toLowerCase()}, minutes ${minutes}`, {
      pans: times.length,
      "ms median": Math.round(median(times)),
      "ms longest": Math.round(Math.max(...times)),
      "of it the answer": Math.round(median(presses.map(({ answerMs }) => answerMs))),
    });
    for (let at = 0; at < most; at += 1) await pressed(page, "Later");
  }
}

/** On a page of its own, as somebody who is signed in. */
async function onPage(at: Announcement, reader: Reader, use: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext({
    baseURL: originOf(at),
    locale: "en",
    timezoneId: "Europe/Berlin",
  });
  context.setDefaultTimeout(120_000);
  await reader.enter(context);
  await use(await context.newPage());
  await context.close();
}

const folder = temporaryFolder();
await buildSite();
const env = { ...makeStart, WELLAPI_ADDRESS_RATE: "100000" };
let server = await startServer({ dataDir: folder.path, env });
const browser = (await openChromium())!;
try {
  const reader = await openAccount(originOf(server), { name: "Ada Example", email: "ada@example.org" });
  const maker = await enrolCompany(server, "Pulse Makers");
  await grant({ transport: reader.as(reader.patient) }, maker, Direction.CONTRIBUTE);
  const { consents } = await createClient(ConsentService, maker.transport).listConsents({});
  const begun = performance.now();
  const samples = await sendMinutes(maker, consents[0]!.patient);
  await permit(reader, server);
  tell("filled", { samples, organizations, s: Math.round((performance.now() - begun) / 1_000) });
  await onPage(server, reader, async (page) => {
    await overview(page);
    await pressedThrough(page);
    await panned(page, "just arrived");
  });
  const stop = () => server.stop();
  await stop();
  const restart = async () => {
    server = await startServer({ dataDir: folder.path, env: { ...env, ...compactSoon } });
  };
  await restart();
  await settled({
    get server() {
      return server;
    },
    dataDir: folder.path,
    stop: async () => void (await stop()),
    restart,
  });
  await onPage(server, reader, (page) => panned(page, "compacted"));
} finally {
  await browser.close();
  await server.stop();
  folder.remove();
}
