import type { Notice } from "@wellapi/gen/wellapi/notices/v1/notices_pb";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { usePages } from "@wellapi/ui/browser/pages";
import { type Problem, problemOf } from "@wellapi/ui/browser/problem";
import { useEffect, useRef, useState } from "preact/hooks";
import { organizationsOf } from "../api/organizations.ts";
import { msOf } from "../api/time.ts";
import { usePlace } from "../context.ts";
import { hrefOf } from "../location.ts";
import { noticesOf, useInbox } from "../notices/inbox.ts";
import { shownNotices } from "../notices/list.ts";
import { noticeText, pathOfNotice } from "../notices/sentence.ts";
import { Heading } from "../parts/heading.tsx";
import { More } from "../parts/more.tsx";
import { ProblemNotice, Waited } from "../parts/notice.tsx";
import { NoticePreferences } from "../parts/notice-preferences.tsx";

/** Notices a page. */
const pageOf = 50;
/** As many as one call marks. */
const mostMarked = 500;

/** What the patient is told of, and how. */
export function Notices() {
  const { words, record } = usePlace();
  return (
    <>
      <Heading>{words.notices.title}</Heading>
      <p class="quiet">{words.notices.lead}</p>
      <InboxCard />
      {/* A record of somebody who died is frozen. */}
      {record.as !== "representative" && <NoticePreferences />}
    </>
  );
}

function InboxCard() {
  const { words, record } = usePlace();
  const says = words.notices;
  const inbox = useInbox();
  const [unreadOnly, setUnreadOnly] = useState(false);
  const [marked, setMarked] = useState<ReadonlySet<string>>(new Set());
  const [refused, setRefused] = useState<Problem>();
  const pages = usePages(
    async (pageToken, signal) => {
      const asked = { unreadOnly, pageSize: pageOf, pageToken };
      const { notices, nextPageToken, unreadCount } = await noticesOf(record).listNotices(asked, { signal });
      inbox.tellUnread(unreadCount);
      return { items: notices, nextPageToken };
    },
    [record, unreadOnly],
  );
  const known = useRef(inbox.begun);
  useEffect(() => {
    if (inbox.begun === known.current) return;
    known.current = inbox.begun;
    pages.loaded.reload();
  }, [inbox.begun]);
  async function mark(ids: readonly string[]): Promise<void> {
    try {
      for (let at = 0; at < ids.length; at += mostMarked) {
        const notices = ids.slice(at, at + mostMarked);
        const { unreadCount } = await noticesOf(record).markNoticesRead({ notices });
        setMarked((before) => new Set([...before, ...notices]));
        inbox.tellUnread(unreadCount);
      }
      setRefused(undefined);
    } catch (error) {
      setRefused(problemOf(error));
    }
  }
  return (
    <section class="card stack" aria-labelledby="inbox">
      <h2 id="inbox" class="unseen">
        {says.title}
      </h2>
      <fieldset class="switch">
        <legend class="unseen">{says.show}</legend>
        {[false, true].map((one) => (
          <label key={String(one)}>
            <input
              type="radio"
              name="show"
              checked={unreadOnly === one}
              onChange={() => setUnreadOnly(one)}
            />
            <span>{one ? says.unreadOnly : says.all}</span>
          </label>
        ))}
      </fieldset>
      {refused !== undefined && <ProblemNotice problem={refused} />}
      <Waited loaded={pages.loaded}>
        {({ items }) => (
          <>
            <List
              shown={shownNotices(items, inbox.fresh, { marked, unreadOnly })}
              unreadOnly={unreadOnly}
              onRead={mark}
            />
            <More pages={pages} />
          </>
        )}
      </Waited>
    </section>
  );
}

function List(props: {
  readonly shown: ReturnType<typeof shownNotices>;
  readonly unreadOnly: boolean;
  readonly onRead: (ids: readonly string[]) => Promise<void>;
}) {
  const { words, record } = usePlace();
  const says = words.notices;
  const { shown, unreadOnly, onRead } = props;
  const ids = shown.map(({ notice }) => notice.organization);
  const names = useLoaded(() => organizationsOf(record.connection, ids), [record.connection, ids.join()]);
  if (shown.length === 0) return <p class="quiet">{unreadOnly ? says.noneUnread : says.none}</p>;
  const unread = shown.filter(({ read }) => !read).map(({ notice }) => notice.id);
  return (
    <>
      <ol class="timeline notices">
        {shown.map(({ notice, read }) => (
          <li key={notice.id} class={read ? undefined : "new"}>
            <Line
              notice={notice}
              read={read}
              name={names.value?.get(notice.organization)?.name ?? words.common.unknownOrganization}
              onRead={() => onRead([notice.id])}
            />
          </li>
        ))}
      </ol>
      {unread.length > 1 && (
        <button type="button" class="button second" onClick={() => void onRead(unread)}>
          {says.markAll}
        </button>
      )}
    </>
  );
}

function Line(props: {
  readonly notice: Notice;
  readonly read: boolean;
  readonly name: string;
  readonly onRead: () => Promise<void>;
}) {
  const { words, formats } = usePlace();
  const says = words.notices;
  const { notice, read, name, onRead } = props;
  const text = noticeText(notice, name, { words, formats });
  const time = msOf(notice.eventTime ?? notice.createTime);
  return (
    <>
      <p>
        {!read && <span class="unseen">{says.isUnread}: </span>}
        {read ? text : <strong>{text}</strong>}
      </p>
      <p class="quiet small">
        <time dateTime={new Date(time).toISOString()}>
          {formats.nearDay(time, Date.now())}, {formats.time(time)}
        </time>
      </p>
      <div class="actions">
        <a
          class="line-link"
          href={hrefOf(pathOfNotice(notice))}
          aria-label={says.lookNamed(text)}
          onClick={() => void (read || onRead())}
        >
          {says.look}
        </a>
        {!read && (
          <button type="button" class="link" aria-label={says.markNamed(text)} onClick={() => void onRead()}>
            {says.markRead}
          </button>
        )}
      </div>
    </>
  );
}
