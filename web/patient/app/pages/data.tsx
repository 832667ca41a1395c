import type { Coding } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { usePlace } from "../context.ts";
import { kindOf } from "../data/kinds.ts";
import { type Measured, measuredOf } from "../data/series.ts";
import { hrefOf } from "../location.ts";
import { Heading } from "../parts/heading.tsx";
import { CategoryIcon } from "../parts/icon.tsx";
import { Waited } from "../parts/notice.tsx";
import { categoryName, codeName } from "../words/names.ts";

/** Each kind of data that there is. */
export function Data() {
  const { words, record } = usePlace();
  const loaded = useLoaded((signal) => measuredOf(record, signal), [record]);
  return (
    <>
      <Heading>{words.data.title}</Heading>
      <p class="quiet">{words.data.lead}</p>
      <Waited loaded={loaded}>
        {(measured) => (measured.length === 0 ? <Nothing /> : <Kinds measured={measured} />)}
      </Waited>
    </>
  );
}

function Nothing() {
  const { data } = usePlace().words;
  return (
    <section class="card stack-close">
      <h2>{data.none}</h2>
      <p class="quiet">{data.noneLead}</p>
    </section>
  );
}

function Kinds({ measured }: { readonly measured: readonly Measured[] }) {
  const { words, formats } = usePlace();
  const categories = [...new Set(measured.map(({ code }) => sectionOf(code)))];
  return (
    <>
      {categories.map((category) => (
        <section class="card stack-close" key={category} aria-labelledby={`kind-${category}`}>
          <h2 id={`kind-${category}`} class="with-symbol">
            <CategoryIcon category={category} />
            {categoryName(words, category)}
          </h2>
          <ul class="ways">
            {measured
              .filter(({ code }) => sectionOf(code) === category)
              .map(({ code, count, last }) => (
                <li key={`${code.system} ${code.code}`}>
                  <a href={hrefOf(`data/${code.code}`)}>
                    <strong>{codeName(words, code.code, code.display)}</strong>
                    <span class="quiet small">
                      {words.data.measured(formats.number(count), count === 1)},{" "}
                      {words.data.lastOn(formats.day(last))}
                    </span>
                  </a>
                </li>
              ))}
          </ul>
        </section>
      ))}
    </>
  );
}

/** Under which heading it stands. */
function sectionOf({ code }: Coding): string {
  return kindOf(code).category ?? "other";
}
