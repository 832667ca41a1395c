import { Foot, Frame } from "@wellapi/ui/browser/parts/frame";
import type { PagePath } from "@wellapi/ui/browser/paths";
import type { Problem } from "@wellapi/ui/browser/problem";
import { useEffect, useRef } from "preact/hooks";
import { usePlace } from "./context.ts";
import { hrefOf, usePath } from "./location.ts";
import { InboxContext, useWatchedInbox } from "./notices/inbox.ts";
import { useStanding } from "./offline/offline.ts";
import { Notice } from "./parts/notice.tsx";
import { RoutedPage, routeOf } from "./routes.tsx";
import type { Words } from "./words/en.ts";

/** Everything around a page. */
export function Shell() {
  const { words, record, formats } = usePlace();
  const path = usePath();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const { menu } = routeOf(path);
  const inbox = useWatchedInbox(record, path);
  const standing = useStanding();
  useEffect(() => {
    if (!first.current) {
      scrollTo(0, 0);
      main.current?.focus();
    }
    first.current = false;
  }, [path]);
  if (standing.kind === "over") return <Unreachable words={words} problem="unreachable" />;
  return (
    <Frame words={words} home={hrefOf("")} signedIn>
      {standing.kind === "offline" && (
        <aside class="acting" aria-label={words.common.connection}>
          <p role="status">
            {words.common.offline(formats.time(standing.asOf), formats.time(standing.until))}
          </p>
        </aside>
      )}
      {record.as !== "self" && (
        <aside class="acting" aria-label={words.common.whoseRecord}>
          <p>
            {words.common.actingFor(record.name, words.common.roles[record.as])}{" "}
            <a href="/account">{words.common.change}</a>
          </p>
        </aside>
      )}
      <Menu current={menu} unread={inbox.unread ?? 0} />
      <main id="main" class="page stack" tabIndex={-1} ref={main}>
        <InboxContext.Provider value={inbox}>
          <RoutedPage path={path} />
        </InboxContext.Provider>
      </main>
      <Foot words={words} zone={formats.zone} />
    </Frame>
  );
}

/** Counting ends there, in the contract. */
const mostCounted = 1_000;

function Menu({ current, unread }: { readonly current: PagePath; readonly unread: number }) {
  const { words, formats } = usePlace();
  const { common } = words;
  const count = `${formats.number(Math.min(unread, mostCounted))}${unread > mostCounted ? "+" : ""}`;
  const entries: readonly (readonly [PagePath, string])[] = [
    ["", common.home],
    ["data", common.data],
    ["log", common.log],
    ["notices", common.notices],
    ["downloads", common.downloads],
    ["settings", common.settings],
  ];
  return (
    <nav class="tabs wide" aria-label={common.menu}>
      <ul>
        {entries.map(([path, label]) => (
          <li key={path}>
            <a href={hrefOf(path)} aria-current={path === current ? "page" : undefined}>
              {label}
              {path === "notices" && unread > 0 && (
                <>
                  <span class="count" aria-hidden="true">
                    {count}
                  </span>
                  <span class="unseen">, {words.notices.unread(count)}</span>
                </>
              )}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** The account opens no record, or several of which none is chosen. */
export function NoRecord({ words }: { readonly words: Words }) {
  return (
    <Frame words={words} home={hrefOf("")} signedIn>
      <main id="main" class="page stack" tabIndex={-1}>
        <h1>{words.common.noRecord}</h1>
        <p>{words.common.noRecordLead}</p>
        <p>
          <a class="button" href="/account">
            {words.common.toAccount}
          </a>
        </p>
      </main>
      <Foot words={words} />
    </Frame>
  );
}

/** Nothing answered when the page was opened. */
export function Unreachable({ words, problem }: { readonly words: Words; readonly problem: Problem }) {
  return (
    <Frame words={words} home={hrefOf("")}>
      <main id="main" class="page stack" tabIndex={-1}>
        <h1>{words.common.title}</h1>
        <Notice kind="warning">
          <p>{words.problems[problem]}</p>
          {problem === "unreachable" && <p>{words.common.offlineNothing}</p>}
          <button type="button" class="button second" onClick={() => location.reload()}>
            {words.common.again}
          </button>
        </Notice>
      </main>
      <Foot words={words} />
    </Frame>
  );
}
