import { useState } from "preact/hooks";
import { usePlace } from "../context.ts";
import { codeName } from "../words/names.ts";
import type { Kind } from "./kinds.ts";
import type { Point, SourceLines } from "./lines.ts";
import type { Period } from "./period.ts";
import { amountText, durationText } from "./summary-text.ts";

/** Rows of a table that a person still looks through; a day by the minute is told by the hour. */
const mostRows = 400;

interface Told {
  readonly kind: Kind;
  readonly period: Period;
  readonly source: SourceLines;
}

/** The same as the picture, in numbers: made once somebody looks, since the picture of another time waits for what is made here. */
export function Figures(told: Told) {
  const { data } = usePlace().words;
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{data.table}</summary>
      {open && <Table {...told} />}
    </details>
  );
}

function Table({ kind, period, source }: Told) {
  const { words, formats } = usePlace();
  const { data } = words;
  const columns = columnsOf();
  const points = source.lines[0]!.points;
  const rows =
    points.length > mostRows
      ? points.filter((_, at) => at % Math.ceil(points.length / mostRows) === 0)
      : points;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached with the keyboard
    <section class="scrolls" tabIndex={0} aria-label={data.table}>
      <table>
        <thead>
          <tr>
            <th scope="col">{data.when}</th>
            {columns.map(({ name }) => (
              <th scope="col" key={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((point) => (
            <tr key={point.start}>
              <th scope="row">{whenText(point)}</th>
              {columns.map(({ name, text }) => (
                <td key={name}>{text(point)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );

  function whenText({ start }: Point): string {
    if (period.kind === "day") return formats.time(start);
    return kind.chart === "sum" || kind.chart === "stages" || period.kind !== "week"
      ? formats.day(start)
      : formats.moment(start);
  }

  function number(value: number | undefined): string {
    if (value === undefined) return "–";
    return amountText(words, formats, { value, unit: source.unit, digits: kind.digits });
  }

  function columnsOf(): readonly { readonly name: string; text(point: Point): string }[] {
    if (kind.chart === "sum") return [{ name: data.total, text: ({ sum }) => number(sum) }];
    if (kind.chart === "stages") {
      const codes = [...new Set(source.lines[0]!.points.flatMap(({ held }) => [...held.keys()]))];
      return codes.map((code) => ({
        name: data.stages[code] ?? code,
        text: ({ held }) => durationText(data, formats, held.get(code) ?? 0),
      }));
    }
    if (kind.chart === "pressure") {
      return source.lines.map(({ component, points: own }) => {
        const byStart = new Map(own.map((one) => [one.start, one]));
        return { name: codeName(words, component), text: ({ start }) => number(byStart.get(start)?.mean) };
      });
    }
    return [
      { name: data.mean, text: ({ mean }) => number(mean) },
      { name: data.lowest, text: ({ low }) => number(low) },
      { name: data.highest, text: ({ high }) => number(high) },
    ];
  }
}
