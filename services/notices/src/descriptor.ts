import { EventService } from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
import { NoticesService } from "@wellapi/gen/wellapi/notices/v1/notices_service_pb";
import { WebhookService } from "@wellapi/gen/wellapi/notices/v1/webhook_service_pb";
import { createOrganizationTimes, describeService, type Setting } from "@wellapi/service";
import { noticesCollections } from "./collections.ts";
import { consumed, followed } from "./event-convert.ts";
import type { Reach } from "./webhooks/address.ts";

/** The push services of the browsers that have most users; from their makers' documentation. */
const usualPushHosts =
  "fcm.googleapis.com,updates.push.services.mozilla.com,web.push.apple.com,*.notify.windows.com";

const pushHostsSetting: Setting<readonly string[]> = {
  name: "WELLAPI_PUSH_HOSTS",
  fallback: usualPushHosts,
  what: "the push services to which notices are sent, by comma: `host`, `host:port`, `*.domain`",
  read(reader) {
    const hosts = reader.string("WELLAPI_PUSH_HOSTS", usualPushHosts).split(",");
    const known = hosts.map((host) => host.trim()).filter((host) => host !== "");
    if (!known.every((host) => hostPattern.test(host))) {
      reader.problem("WELLAPI_PUSH_HOSTS is not valid: expected names of hosts, separated by commas");
    }
    return known;
  },
};

const hostPattern = /^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?$/;

const webhookReachSetting: Setting<Reach> = {
  name: "WELLAPI_WEBHOOKS_TO_LOOPBACK",
  fallback: "false",
  what: "`true`: webhooks also go to `https://localhost`, on any port; a production installation refuses to start with it",
  read(reader) {
    const loopback = reader.bool("WELLAPI_WEBHOOKS_TO_LOOPBACK", false);
    if (loopback && reader.string("WELLAPI_PROFILE", "sandbox") === "production") {
      reader.problem(
        "WELLAPI_WEBHOOKS_TO_LOOPBACK is for a sandbox: a production installation sends nothing to itself",
      );
    }
    return loopback ? "internet and loopback" : "internet";
  },
};

/** What patients and organizations are told. */
export const noticesService = describeService({
  name: "notices",
  contracts: [NoticesService, EventService, WebhookService],
  store: {
    collections: noticesCollections,
    check: async (context) => (await import("./check.ts")).noticesCheck(context),
    sharesThread: true,
  },
  needs: ["keys", "vault", "journal", "access_log", "events", "terminology"],
  consumes: [...new Set([...consumed, ...followed])],
  calls: ["identity", "consent", "audit"],
  replicas: "many",
  settings: { pushHosts: pushHostsSetting, webhookReach: webhookReachSetting },
  async compose(platform, { pushHosts, webhookReach }) {
    const { openNoticesService } = await import("./service.ts");
    const { installation, network, clock, log, closers } = platform;
    const keys = await platform.keys();
    const store = await platform.openStore();
    const notices = await openNoticesService(
      { pushHosts, webhooks: { reach: webhookReach } },
      {
        ...keys,
        store,
        events: await platform.openEvents([]),
        vault: await platform.vault(),
        accessLog: await platform.openAccessLog(store),
        journal: await platform.journal(),
        terminology: await platform.terminology(),
        network: network.onOwn(),
        contact: () => contactOf(installation.origin(), installation.trustDomain),
        clock,
        times: createOrganizationTimes({ profile: installation.profile, identity: network.onOwn(), clock }),
        log,
      },
    );
    closers.push("notices", () => notices.close());
    return notices;
  },
});

/** RFC 8292, section 2.1: an address of the web by https, or of mail. */
function contactOf(origin: string, trustDomain: string): string {
  return origin.startsWith("https:") ? origin : `mailto:operator@${trustDomain}`;
}
