import type { LoadedPages } from "@wellapi/ui/browser/pages";
import { ProblemNotice } from "./notice.tsx";

/** The end of a list: what asks for older items, where there are any, and why they did not come. */
export function More({ pages, label }: { readonly pages: LoadedPages<unknown>; readonly label: string }) {
  const { loaded, loadMore, loadingMore, problem } = pages;
  return (
    <>
      {problem !== undefined && <ProblemNotice problem={problem} />}
      {loaded.value !== undefined && loaded.value.nextPageToken !== "" && (
        <button type="button" class="button second" aria-busy={loadingMore} onClick={loadMore}>
          {label}
        </button>
      )}
    </>
  );
}
