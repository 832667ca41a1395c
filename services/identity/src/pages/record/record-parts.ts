import { type Html, html } from "../html.ts";
import { recordEntriesOf } from "../navigation.ts";
import type { Page } from "../page.ts";
import { hidden } from "../parts.ts";
import type { View } from "../view.ts";
import type { RecordOption } from "./reader.ts";

/** Says in each form whose record it is about. */
export function recordField({ actingAs }: RecordOption): Html {
  return hidden("record", actingAs)!;
}

/** A page about a record: it says whose, where that is not the reader's own, and leads to the pages beside it. */
export function recordPage({ words }: View, record: RecordOption, page: Page): Page {
  return {
    ...page,
    signedIn: true,
    record,
    beside: { label: recordTitle(words, record), entries: recordEntriesOf(record) },
  };
}

export function recordTitle({ overview }: View["words"], { as, name }: RecordOption): string {
  return as === "self" ? overview.ownRecord : overview.recordOf(name);
}

/** In which role the reader acts. */
export function actingText(
  overview: View["words"]["overview"],
  as: Exclude<RecordOption["as"], "self">,
): string {
  const texts = {
    carer: overview.asCarer,
    guardian: overview.asGuardian,
    representative: overview.asRepresentative,
  };
  return texts[as];
}

/** Said above everything else on a page about somebody else's record. */
export function actingBanner({ words }: View, { as, name }: RecordOption): Html | undefined {
  const { overview } = words;
  if (as === "self") return undefined;
  return html`<aside class="acting" aria-label="${overview.whoseRecord}"><p>${overview.actingFor}
<strong>${name}</strong>, ${actingText(overview, as)}. <a href="/account">${overview.change}</a></p></aside>`;
}
