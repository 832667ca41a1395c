import type { Preferences } from "@wellapi/gen/wellapi/notices/v1/notices_pb";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { Tick } from "@wellapi/ui/browser/parts/tick";
import { type Problem, problemOf } from "@wellapi/ui/browser/problem";
import { useState } from "preact/hooks";
import { usePlace } from "../context.ts";
import { noticesOf } from "../notices/inbox.ts";
import {
  type ChannelDraft,
  type ChannelName,
  type Draft,
  draftOf,
  kindGroups,
  quietProblem,
  updateOf,
  withMuted,
} from "../notices/preferences.ts";
import { keptFor, standingHere } from "../notices/this-browser.ts";
import { Notice, ProblemNotice, Waited } from "./notice.tsx";
import { PushBrowsers } from "./push-browsers.tsx";

/** How the patient is told outside the inbox. */
export function NoticePreferences() {
  const { words, record } = usePlace();
  const loaded = useLoaded(
    async (signal) => {
      const client = noticesOf(record);
      const kept = keptFor(record);
      const [{ preferences }, { pushSubscriptions }] = await Promise.all([
        client.getPreferences({}, { signal }),
        client.listPushSubscriptions({}, { signal }),
      ]);
      if (preferences === undefined) throw new TypeError("an answer without preferences");
      const listed = pushSubscriptions.map(({ id }) => id);
      // A browser that says nothing of itself, as some do in a private window, is not asked for more.
      const standing = await standingHere(record, { kept, listed, key: preferences.pushKey }).catch(
        () => "unable" as const,
      );
      return { preferences, subscriptions: pushSubscriptions, standing };
    },
    [record],
  );
  return (
    <section class="card stack" aria-labelledby="how">
      <h2 id="how">{words.notices.how}</h2>
      <p class="quiet small">{words.notices.howLead}</p>
      <Waited loaded={loaded}>
        {({ preferences, subscriptions, standing }) => (
          <>
            <Form key={preferences.etag} preferences={preferences} browsers={subscriptions.length} />
            <PushBrowsers preferences={preferences} subscriptions={subscriptions} standing={standing} />
          </>
        )}
      </Waited>
    </section>
  );
}

function Form({ preferences, browsers }: { readonly preferences: Preferences; readonly browsers: number }) {
  const { words, record } = usePlace();
  const says = words.notices;
  const [draft, setDraft] = useState(() => draftOf(preferences));
  const [etag, setEtag] = useState(preferences.etag);
  const [state, setState] = useState<"idle" | "saving" | "saved" | { readonly problem: Problem }>("idle");
  const wrong = quietProblem(draft);
  function change(part: Partial<Draft>): void {
    setDraft({ ...draft, ...part });
    setState("idle");
  }
  async function save(): Promise<void> {
    setState("saving");
    try {
      const answer = await noticesOf(record).updatePreferences(updateOf(draft, etag));
      setEtag(answer.preferences?.etag ?? "");
      setState("saved");
    } catch (error) {
      setState({ problem: problemOf(error) });
    }
  }
  const channels: readonly ChannelName[] = browsers > 0 ? ["email", "push"] : ["email"];
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (wrong === undefined) void save();
      }}
    >
      {channels.map((name) => (
        <Channel
          key={name}
          name={name}
          channel={draft[name]}
          onChange={(channel) => change({ [name]: channel })}
        />
      ))}
      <Quiet draft={draft} zone={preferences.timeZone} onChange={change} />
      <div class="field">
        <label for="notice-language">{says.language}</label>
        <select
          id="notice-language"
          value={draft.language}
          onChange={(event) => change({ language: event.currentTarget.value })}
        >
          {Object.entries(says.languages).map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      </div>
      <div aria-live="polite">
        {state === "saved" && (
          <Notice kind="success">
            <p>{says.saved}</p>
          </Notice>
        )}
      </div>
      {typeof state === "object" && <ProblemNotice problem={state.problem} />}
      <button
        type="submit"
        class="button"
        disabled={wrong !== undefined || state === "saving"}
        aria-busy={state === "saving"}
      >
        {says.save}
      </button>
    </form>
  );
}

/** A way to be told, and of what. */
function Channel(props: {
  readonly name: ChannelName;
  readonly channel: ChannelDraft;
  readonly onChange: (channel: ChannelDraft) => void;
}) {
  const { notices } = usePlace().words;
  const { name, channel, onChange } = props;
  return (
    <div>
      <Tick
        id={`by-${name}`}
        label={notices.channels[name]}
        checked={channel.enabled}
        onChange={(enabled) => onChange({ ...channel, enabled })}
      />
      {channel.enabled && (
        <details>
          <summary>{notices.about[name]}</summary>
          {(["unusual", "permissions", "other"] as const).map((group) => (
            <fieldset key={group} class="ticks">
              <legend>{notices.groups[group]}</legend>
              {kindGroups[group].map((kind) => (
                <Tick
                  key={kind}
                  id={`${name}-${kind}`}
                  label={notices.kinds[kind] ?? String(kind)}
                  checked={!channel.muted.has(kind)}
                  onChange={(told) => onChange(withMuted(channel, kind, !told))}
                />
              ))}
            </fieldset>
          ))}
        </details>
      )}
    </div>
  );
}

function Quiet(props: {
  readonly draft: Draft;
  /** Empty: the patient's. */
  readonly zone: string;
  readonly onChange: (part: Partial<Draft>) => void;
}) {
  const { words, formats } = usePlace();
  const says = words.notices;
  const { draft, zone, onChange } = props;
  const wrong = quietProblem(draft);
  return (
    <div class="stack-close">
      <Tick id="quiet" label={says.quiet} checked={draft.quiet} onChange={(quiet) => onChange({ quiet })} />
      <p class="quiet small">{says.quietHint(zone || formats.zone)}</p>
      {draft.quiet && (
        <div class="filters">
          {(["quietFrom", "quietTo"] as const).map((which) => (
            <div class="field" key={which}>
              <label for={which}>{which === "quietFrom" ? says.from : says.to}</label>
              <input
                id={which}
                type="time"
                required
                value={draft[which]}
                aria-invalid={wrong !== undefined}
                aria-describedby={wrong === undefined ? undefined : "quiet-wrong"}
                onInput={(event) => onChange({ [which]: event.currentTarget.value })}
              />
            </div>
          ))}
        </div>
      )}
      {wrong !== undefined && (
        <p id="quiet-wrong" class="small warning-text" role="alert">
          {wrong === "empty" ? says.quietEmpty : says.quietIncomplete}
        </p>
      )}
    </div>
  );
}
