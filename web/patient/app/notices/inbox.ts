import { createClient } from "@connectrpc/connect";
import type { Notice } from "@wellapi/gen/wellapi/notices/v1/notices_pb";
import { NoticesService } from "@wellapi/gen/wellapi/notices/v1/notices_service_pb";
import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import type { OpenRecord } from "../api/reader.ts";
import { withFresh } from "./list.ts";

/** What the open page knows of the inbox without asking. */
export interface Inbox {
  /** Undefined until it is known. More than 1,000 count as 1,001. */
  readonly unread: number | undefined;
  /** What has come while the page was open, the newest first. */
  readonly fresh: readonly Notice[];
  /** How often the stream has begun. What came between two of them is in the list alone. */
  readonly begun: number;
  /** After something was marked as read here. */
  tellUnread(count: number): void;
}

export const InboxContext = createContext<Inbox | undefined>(undefined);

export function useInbox(): Inbox {
  const inbox = useContext(InboxContext);
  if (inbox === undefined) throw new TypeError("a page is shown before the inbox is watched");
  return inbox;
}

export function noticesOf({ connection }: OpenRecord) {
  return createClient(NoticesService, connection.transport);
}

/**
 * Follows the inbox while the page is seen: one stream, which ends with the session and keeps none alive. What ends is opened again when the
 * reader does something (`path` is another), or comes back; never by itself, since a new call would count as the reader's.
 */
export function useWatchedInbox(record: OpenRecord, path: string): Inbox {
  const [unread, setUnread] = useState<number>();
  const [fresh, setFresh] = useState<readonly Notice[]>([]);
  const [begun, setBegun] = useState(0);
  const [watch] = useState(() =>
    createWatch(record, {
      begun: () => setBegun((times) => times + 1),
      changed(notices, count) {
        setUnread(count);
        if (notices.length > 0) setFresh((before) => withFresh(before, notices));
      },
    }),
  );
  useEffect(() => watch.open(), [watch, path]);
  useEffect(() => {
    const seen = (): void => (document.visibilityState === "hidden" ? watch.close() : watch.open());
    const left = (): void => watch.close();
    document.addEventListener("visibilitychange", seen);
    addEventListener("pagehide", left);
    addEventListener("pageshow", seen);
    return () => {
      document.removeEventListener("visibilitychange", seen);
      removeEventListener("pagehide", left);
      removeEventListener("pageshow", seen);
      watch.close();
    };
  }, [watch]);
  return { unread, fresh, begun, tellUnread: setUnread };
}

/** A stream that is open or not. */
function createWatch(
  record: OpenRecord,
  tell: { begun(): void; changed(notices: readonly Notice[], unread: number): void },
) {
  const notices = noticesOf(record);
  let running: AbortController | undefined;
  async function follow(controller: AbortController): Promise<void> {
    let first = true;
    try {
      // Without an end of its own.
      for await (const one of notices.watchNotices({}, { signal: controller.signal, timeoutMs: 0 })) {
        if (controller.signal.aborted) return;
        if (first) tell.begun();
        first = false;
        tell.changed(one.notices, one.unreadCount);
      }
    } catch {
      // Nothing that the reader waits for: what is shown stays, and each page says itself when nothing answers.
    } finally {
      if (running === controller) running = undefined;
    }
  }
  return {
    open(): void {
      if (running !== undefined || document.visibilityState === "hidden") return;
      running = new AbortController();
      void follow(running);
    },
    close(): void {
      running?.abort();
      running = undefined;
    },
  };
}
