import { ConnectError } from "@connectrpc/connect";
import type { Preferences, PushSubscription } from "@wellapi/gen/wellapi/notices/v1/notices_pb";
import { tellChange } from "@wellapi/ui/browser/changes";
import { type Problem, problemOf, reasonIn } from "@wellapi/ui/browser/problem";
import { useEffect, useState } from "preact/hooks";
import { msOf } from "../api/time.ts";
import { usePlace } from "../context.ts";
import { askPermission, follow, keptFor, type Standing, unfollow } from "../notices/this-browser.ts";
import type { Words } from "../words/en.ts";
import { Notice, ProblemNotice } from "./notice.tsx";

type Refusal = Problem | "notAllowed" | "tooMany" | "unknownService" | "noService";

/** Whether notices come to this browser, and to which others. */
export function PushBrowsers(props: {
  readonly preferences: Preferences;
  readonly subscriptions: readonly PushSubscription[];
  readonly standing: Standing;
}) {
  const { words, record } = usePlace();
  const says = words.notices.device;
  const { preferences, subscriptions, standing } = props;
  const { pushKey, push } = preferences;
  const [state, setState] = useState<"idle" | "busy" | { readonly refusal: Refusal }>("idle");
  async function act(action: () => Promise<void>): Promise<void> {
    setState("busy");
    try {
      await action();
      setState("idle");
    } catch (error) {
      setState({ refusal: refusalOf(error) });
    }
    tellChange();
  }
  async function switchOn(): Promise<void> {
    if (await askPermission()) return act(() => follow(record, pushKey));
    setState({ refusal: "notAllowed" });
    // They may have forbidden it for ever.
    tellChange();
  }
  // Who had switched it on need not press again.
  useEffect(() => {
    if (standing === "moved") void act(() => follow(record, pushKey));
  }, [standing, record, pushKey]);
  const busy = state === "busy";
  return (
    <section class="stack-close" aria-labelledby="device">
      <h3 id="device">{says.title}</h3>
      <p class="quiet small">{says.lead}</p>
      <p role="status">{statusOf(standing, push?.enabled ?? false, says)}</p>
      {typeof state === "object" && standing !== "refused" && <RefusalNotice refusal={state.refusal} />}
      {(standing === "off" || standing === "moved") && (
        <button
          type="button"
          class="button second"
          disabled={busy}
          aria-busy={busy}
          onClick={() => void switchOn()}
        >
          {says.switchOn}
        </button>
      )}
      <Browsers
        subscriptions={subscriptions}
        busy={busy}
        onRemove={(id) => void act(() => unfollow(record, id))}
      />
    </section>
  );
}

function statusOf(standing: Standing, enabled: boolean, says: Words["notices"]["device"]): string {
  if (standing === "off") return "";
  return standing === "on" && !enabled ? says.onButMuted : says[standing];
}

function Browsers(props: {
  readonly subscriptions: readonly PushSubscription[];
  readonly busy: boolean;
  readonly onRemove: (id: string) => void;
}) {
  const { words, formats, record } = usePlace();
  const says = words.notices.device;
  const { subscriptions, busy, onRemove } = props;
  if (subscriptions.length === 0) return null;
  const own = keptFor(record)?.id;
  return (
    <>
      <h4>{says.list}</h4>
      <ul class="rows">
        {subscriptions.map(({ id, host, createTime }) => {
          const what = id === own ? says.here : says.other(host);
          const since = says.since(formats.moment(msOf(createTime)));
          return (
            <li key={id}>
              <span>
                {what} <span class="quiet small">{since}</span>
              </span>
              <button
                type="button"
                class="button second slim"
                aria-label={says.removeNamed(`${what}, ${since}`)}
                disabled={busy}
                onClick={() => onRemove(id)}
              >
                {says.remove}
              </button>
            </li>
          );
        })}
      </ul>
    </>
  );
}

function RefusalNotice({ refusal }: { readonly refusal: Refusal }) {
  const { device } = usePlace().words.notices;
  switch (refusal) {
    case "notAllowed":
    case "tooMany":
    case "unknownService":
    case "noService":
      return (
        <Notice kind="warning">
          <p>{device[refusal]}</p>
        </Notice>
      );
    default:
      return <ProblemNotice problem={refusal} />;
  }
}

const refusals: Readonly<Record<string, Refusal>> = {
  TOO_MANY_SUBSCRIPTIONS: "tooMany",
  UNKNOWN_PUSH_SERVICE: "unknownService",
};

/** What is no answer of the exchange is the browser's own. */
function refusalOf(error: unknown): Refusal {
  if (!(error instanceof ConnectError)) return "noService";
  return refusals[reasonIn(error)] ?? problemOf(error);
}
