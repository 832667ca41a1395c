import type { LoadedPages } from "@wellapi/ui/browser/pages";
import { usePlace } from "../context.ts";
import { ProblemNotice } from "./notice.tsx";

/** The end of a list: what asks for older items, where there are any, and why they did not come. */
export function More({ pages }: { readonly pages: LoadedPages<unknown> }) {
  const { words } = usePlace();
  const { loaded, loadMore, loadingMore, problem } = pages;
  const any = loaded.value !== undefined && loaded.value.nextPageToken !== "";
  return (
    <>
      {problem !== undefined && <ProblemNotice problem={problem} />}
      {any && (
        <button
          type="button"
          class="button second"
          disabled={loadingMore || loaded.loading}
          onClick={loadMore}
        >
          {words.common.more}
        </button>
      )}
    </>
  );
}
