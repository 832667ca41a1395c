import type { KnownOrganization } from "../api/organizations.ts";
import { usePlace } from "../context.ts";
import type { ReadOfDay } from "../log/reads.ts";
import { codesText, valuesText } from "../words/names.ts";

/** What one organization read on one day, in one sentence, with when and what for. */
export function ReadSentence(props: {
  readonly read: ReadOfDay;
  readonly known: KnownOrganization | undefined;
}) {
  const { words, formats } = usePlace();
  const { read, known } = props;
  const { home } = words;
  const name = known?.name ?? words.common.unknownOrganization;
  const amount = `${valuesText(words, formats, read.items)}${home.times(read.times)}`;
  const purposes = read.purposes.flatMap((purpose) => home.purposes[purpose] ?? []);
  return (
    <>
      <p>{home.readSentence(name, codesText(words, formats, read.codes), amount)}</p>
      <p class="quiet small">
        <time dateTime={new Date(read.last).toISOString()}>
          {formats.nearDay(read.last, Date.now())}, {formats.time(read.last)}
        </time>
        {purposes.length > 0 && ` · ${formats.list(purposes)}`}
      </p>
      {read.emergency && <p class="small warning-text">{home.inEmergency}</p>}
    </>
  );
}
