import { usePlace } from "../context.ts";
import type { DaySum } from "../usage-days.ts";
import { ScrolledTable } from "./scrolled-table.tsx";

const height = 160;
const barWidth = 8;
const step = 10;

/** A bar for each day: what was let through, and above it what was refused. The table below says the same in numbers. */
export function UsageChart({ days }: { readonly days: readonly DaySum[] }) {
  const { words, formats } = usePlace();
  const { usage: texts } = words;
  const most = Math.max(1, ...days.map(({ accesses }) => accesses));
  const scaled = (count: number) => (count / most) * height;
  const filled = days.filter(({ accesses, items }) => accesses > 0 || items > 0);
  return (
    <figure class="chart stack-close">
      <svg
        viewBox={`0 0 ${days.length * step} ${height + 2}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={texts.chart(formats.number(most))}
      >
        <line class="axis" x1="0" x2={days.length * step} y1={height + 1} y2={height + 1} />
        {days.map(({ day, accesses, refused }, at) => {
          const [all, no] = [scaled(accesses), scaled(refused)];
          return (
            <g key={day}>
              <rect
                class="permitted"
                x={at * step}
                width={barWidth}
                y={height - all + no}
                height={all - no}
              />
              <rect class="refused" x={at * step} width={barWidth} y={height - all} height={no} />
            </g>
          );
        })}
      </svg>
      <figcaption class="legend small">
        <span class="permitted">{texts.permitted}</span> <span class="refused">{texts.refused}</span>{" "}
        {texts.highest(formats.number(most))}
      </figcaption>
      {filled.length > 0 && (
        <details>
          <summary>{texts.asTable}</summary>
          <ScrolledTable
            caption={texts.byDay}
            columns={[texts.day, texts.accesses, texts.refused, texts.items]}
          >
            {filled.toReversed().map(({ day, accesses, refused, items }) => (
              <tr key={day}>
                <th scope="row">{new Date(day).toISOString().slice(0, 10)}</th>
                <td class="number">{formats.number(accesses)}</td>
                <td class="number">{formats.number(refused)}</td>
                <td class="number">{formats.number(items)}</td>
              </tr>
            ))}
          </ScrolledTable>
        </details>
      )}
    </figure>
  );
}
