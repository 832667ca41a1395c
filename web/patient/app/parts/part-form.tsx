import { Tick } from "@wellapi/ui/browser/parts/tick";
import { useState } from "preact/hooks";
import { usePlace } from "../context.ts";
import { chosenFormats, isInOrder, type Part } from "../download/part.ts";
import { categoryName } from "../words/names.ts";

/** Which kinds of data, of which time, as which files. */
export function PartForm({
  waiting,
  onChosen,
}: {
  readonly waiting: boolean;
  readonly onChosen: (part: Part) => void;
}) {
  const { words } = usePlace();
  const { download } = words.places;
  const [part, setPart] = useState<Part>({
    categories: new Set(),
    first: "",
    last: "",
    formats: new Set(chosenFormats),
  });
  const categories = Object.keys(words.data.categories).filter((name) => name !== "other");
  const ordered = isInOrder(part);
  const day = (id: "first" | "last") => (
    <div class="field">
      <label for={`part-${id}`}>{download[id]}</label>
      <input
        id={`part-${id}`}
        type="date"
        min="1900-01-01"
        max="9998-12-31"
        value={part[id]}
        aria-invalid={!ordered}
        aria-describedby={ordered ? undefined : "part-order"}
        onChange={({ currentTarget: { value } }) => setPart({ ...part, [id]: value })}
      />
    </div>
  );
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (ordered) onChosen(part);
      }}
    >
      <fieldset class="ticks">
        <legend>{download.kinds}</legend>
        <p class="small quiet">{download.kindsHint}</p>
        <div class="kind-ticks">
          {categories.map((name) => (
            <Tick
              key={name}
              id={`part-${name}`}
              label={categoryName(words, name)}
              checked={part.categories.has(name)}
              onChange={() => setPart({ ...part, categories: switched(part.categories, name) })}
            />
          ))}
        </div>
      </fieldset>
      <div class="filters">
        {day("first")}
        {day("last")}
      </div>
      {ordered ? (
        <p class="small quiet">{download.daysHint}</p>
      ) : (
        <p class="wrong" id="part-order" role="alert">
          {download.wrongOrder}
        </p>
      )}
      <fieldset class="ticks">
        <legend>{download.files}</legend>
        <p class="small quiet">{download.filesHint}</p>
        {chosenFormats.map((format) => (
          <Tick
            key={format}
            id={`part-format-${format}`}
            label={download.formats[format] ?? String(format)}
            checked={part.formats.has(format)}
            onChange={() => setPart({ ...part, formats: switched(part.formats, format) })}
          />
        ))}
      </fieldset>
      <button type="submit" class="button" disabled={waiting || !ordered}>
        {download.prepare}
      </button>
    </form>
  );
}

function switched<T>(all: ReadonlySet<T>, one: T): ReadonlySet<T> {
  return all.has(one) ? all.difference(new Set([one])) : new Set([...all, one]);
}
