import { EventService } from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
import { NoticesService } from "@wellapi/gen/wellapi/notices/v1/notices_service_pb";
import { describeService, type Setting } from "@wellapi/service";
import { noticesCollections } from "./collections.ts";
import { consumed, followed } from "./event-convert.ts";

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

/** What patients and organizations are told. */
export const noticesService = describeService({
  name: "notices",
  contracts: [NoticesService, EventService],
  store: {
    collections: noticesCollections,
    check: async (context) => (await import("./check.ts")).noticesCheck(context),
  },
  needs: ["keys", "vault", "journal", "access_log", "events", "terminology"],
  consumes: [...new Set([...consumed, ...followed])],
  calls: ["identity", "consent", "audit"],
  replicas: "many",
  settings: { pushHosts: pushHostsSetting },
  async compose(platform, { pushHosts }) {
    const { openNoticesService } = await import("./service.ts");
    const { installation, network, clock, log, closers } = platform;
    const keys = await platform.keys();
    const store = await platform.openStore();
    const notices = await openNoticesService(
      { pushHosts },
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
