import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { ListNoticesRequestSchema, NoticesService } from "@wellapi/gen/wellapi/notices/v1/notices_service_pb";
import {
  type Caller,
  callerKey,
  openListPage,
  PageTokenError,
  type PageTokens,
  rpcNameOf,
  textPosition,
} from "@wellapi/rpc";
import { StoreError } from "@wellapi/store";
import { noticeMessage } from "./convert.ts";
import { noticesError } from "./errors.ts";
import type { InboxChanges } from "./inbox-changes.ts";
import type { InboxRepository } from "./inbox-repository.ts";
import { isShown, type Notice } from "./notice.ts";

export interface InboxHandlersDeps {
  readonly inbox: InboxRepository;
  readonly changes: InboxChanges;
  readonly pageTokens: PageTokens;
  /** The codes that are shown where these categories are hidden. */
  readonly openCodes: (hides: readonly string[]) => ReadonlySet<string>;
  /** Aborted when the service closes: ends the watches. */
  readonly closing: AbortSignal;
}

/** Counting reads each one, and opens it where something is hidden. */
const MOST_COUNTED = 1_001;
const MOST_WATCHED = 50;
/** A change wakes a watch; at this interval it looks by itself, in case that a signal was lost. */
const LOOK_MS = 5_000;

type Handlers = Pick<ServiceImpl<typeof NoticesService>, "listNotices" | "markNoticesRead" | "watchNotices">;

export function createInboxHandlers(deps: InboxHandlersDeps): Handlers {
  const { inbox, changes, pageTokens } = deps;
  return {
    async listNotices(request, context) {
      const { caller, partition, shown, unread } = readerOf(deps, context);
      const { after, limit, token } = openListPage({
        tokens: pageTokens,
        caller,
        method: rpcNameOf(NoticesService.method.listNotices),
        schema: ListNoticesRequestSchema,
        request,
        sizes: { usual: 50, most: 500 },
        position: textPosition,
      });
      const listed = { unreadOnly: request.unreadOnly, limit, cursor: after };
      const page = await inbox.list(partition, listed).catch((cause: unknown) => {
        const foreign = after !== undefined && cause instanceof StoreError && cause.code === "invalid";
        throw foreign ? new PageTokenError() : cause;
      });
      return {
        notices: page.notices.filter(shown).map(noticeMessage),
        nextPageToken: token(page.cursor),
        unreadCount: await unread(),
      };
    },
    async markNoticesRead({ notices }, context) {
      const { partition, shown, unread } = readerOf(deps, context);
      await inbox.markRead(partition, notices, shown);
      changes.tell(partition);
      return { unreadCount: await unread() };
    },
    watchNotices: (_request, context) => watch(deps, context),
  };
}

async function* watch(deps: InboxHandlersDeps, context: HandlerContext) {
  const { inbox, changes, closing } = deps;
  const { partition, shown, unread } = readerOf(deps, context);
  const signal = AbortSignal.any([context.signal, closing]);
  const watched = changes.watch(partition);
  try {
    let known: ReadonlySet<string> | undefined;
    let told = -1;
    while (!signal.aborted) {
      const { notices } = await inbox.list(partition, {
        unreadOnly: false,
        limit: MOST_WATCHED,
        cursor: undefined,
      });
      const count = await unread();
      const before = known;
      const fresh = before === undefined ? [] : notices.filter(({ id }) => !before.has(id)).filter(shown);
      known = new Set(notices.map(({ id }) => id));
      if (fresh.length > 0 || count !== told) {
        told = count;
        yield { notices: fresh.map(noticeMessage), unreadCount: count };
      }
      await watched.wait(LOOK_MS, signal);
    }
  } finally {
    watched.close();
  }
}

interface Reader {
  readonly caller: Caller;
  readonly partition: string;
  readonly shown: (notice: Notice) => boolean;
  /** How many of what is shown are unread. */
  unread(): Promise<number>;
}

/** Whose inbox the caller reads, and what of it is shown. Throws `not_permitted`. */
function readerOf(
  { inbox, openCodes }: Pick<InboxHandlersDeps, "inbox" | "openCodes">,
  context: HandlerContext,
): Reader {
  const caller = context.values.get(callerKey);
  const { kind, partition, hides } = caller.principal;
  if (kind !== "patient" || partition === undefined) throw noticesError("not_permitted");
  const open = hides && openCodes(hides);
  const shown = (notice: Notice) => isShown(notice, open);
  return {
    caller,
    partition,
    shown,
    unread: () => inbox.unread(partition, MOST_COUNTED, open && shown),
  };
}
