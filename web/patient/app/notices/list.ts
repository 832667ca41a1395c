import type { Notice } from "@wellapi/gen/wellapi/notices/v1/notices_pb";

/** What is new, and then what was there; each once, as it is newer. */
export function withFresh(before: readonly Notice[], fresh: readonly Notice[]): readonly Notice[] {
  const ids = new Set(fresh.map(({ id }) => id));
  return [...fresh, ...before.filter(({ id }) => !ids.has(id))];
}

/**
 * What the page shows: what came while it was open, and what it has loaded, each once and as it was loaded where both have it. `marked`: what
 * the reader has marked as read since.
 */
export function shownNotices(
  loaded: readonly Notice[],
  fresh: readonly Notice[],
  options: { readonly marked: ReadonlySet<string>; readonly unreadOnly: boolean },
): ReadonlyArray<{ readonly notice: Notice; readonly read: boolean }> {
  const ids = new Set(loaded.map(({ id }) => id));
  return [...fresh.filter(({ id }) => !ids.has(id)), ...loaded]
    .map((notice) => ({ notice, read: notice.read || options.marked.has(notice.id) }))
    .filter(({ notice, read }) => !options.unreadOnly || !read || options.marked.has(notice.id));
}
