import type { Formats } from "@wellapi/ui/browser/formats";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { usePlace } from "../context.ts";
import type { Kind } from "./kinds.ts";
import type { Point, SourceLines } from "./lines.ts";
import { marksOf, type Period } from "./period.ts";
import { type Scale, scaleOf } from "./scale.ts";

const height = 260;
const [top, bottom, start, end] = [12, 28, 52, 12];

/** In the order of a night, from the lightest on. */
export const stageOrder = ["awake", "rem", "light", "deep", "asleep", "unknown"];

/** The picture of what one source has measured. What it shows is told in words and as a table beside it. */
export function Chart(props: {
  readonly kind: Kind;
  readonly period: Period;
  readonly source: SourceLines;
  readonly label: string;
}) {
  const { kind, period, source, label } = props;
  const { formats } = usePlace();
  const [box, width] = useWidth();
  const values = valuesOf(kind, source);
  const scale = scaleOf(values, {
    height: height - top - bottom,
    top,
    fromZero: kind.chart === "sum" || kind.chart === "stages",
  });
  const across = (ms: number) =>
    start + ((width - start - end) * (ms - period.start)) / (period.end - period.start);
  return (
    <div ref={box} class="chart">
      {width > 0 && values.length > 0 && (
        <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
          <Axes scale={scale} period={period} across={across} width={width} kind={kind} formats={formats} />
          {kind.chart === "sum" && <Bars points={source.lines[0]!.points} scale={scale} across={across} />}
          {kind.chart === "stages" && (
            <Stages points={source.lines[0]!.points} scale={scale} across={across} />
          )}
          {kind.chart === "pressure" && <Pressure source={source} scale={scale} across={across} />}
          {(kind.chart === "line" || kind.chart === "latest") && (
            <Line
              points={source.lines[0]!.points}
              scale={scale}
              across={across}
              kind={kind}
              period={period}
            />
          )}
        </svg>
      )}
    </div>
  );
}

type Across = (ms: number) => number;

const hourMs = 3_600_000;

function valuesOf({ chart }: Kind, { lines }: SourceLines): readonly number[] {
  const points = lines.flatMap((line) => line.points);
  if (chart === "sum") return points.flatMap(({ sum }) => sum ?? []);
  if (chart === "stages") return points.map(({ held }) => sumOf(held.values()) / hourMs);
  return points.flatMap(({ low, mean, high }) => [low, mean, high].flatMap((one) => one ?? []));
}

function sumOf(values: Iterable<number>): number {
  return [...values].reduce((sum, one) => sum + one, 0);
}

/** The width that there is: letters stay as large as on the rest of the page. */
function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  // Asked for once before the first picture: the observer tells it only after that.
  useLayoutEffect(() => {
    setWidth(box.current!.clientWidth);
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  return [box, width] as const;
}

function Axes(props: {
  readonly scale: Scale;
  readonly period: Period;
  readonly across: Across;
  readonly width: number;
  readonly kind: Kind;
  readonly formats: Formats;
}) {
  const { scale, period, across, width, kind, formats } = props;
  const all = marksOf(period, formats.zone);
  const marks = width < 480 && period.kind === "year" ? all.filter((_, i) => i % 2 === 0) : all;
  const digits = Math.max(kind.digits, scale.to - scale.from < 4 ? 1 : 0);
  const textOf = markTexts(period, formats);
  return (
    <g class="axes">
      {scale.marks.map((mark) => (
        <g key={mark}>
          <line x1={start} x2={width - end} y1={scale.at(mark)} y2={scale.at(mark)} />
          <text x={start - 8} y={scale.at(mark)} text-anchor="end" dominant-baseline="middle">
            {formats.number(mark, digits)}
          </text>
        </g>
      ))}
      {marks.map((mark) => (
        <text
          key={mark}
          x={across(mark) + (period.kind === "day" ? 0 : 2)}
          y={height - 8}
          text-anchor={period.kind === "day" ? anchorOf(mark, period) : "start"}
        >
          {textOf(mark)}
        </text>
      ))}
    </g>
  );
}

function anchorOf(mark: number, period: Period): "start" | "middle" | "end" {
  if (mark === period.start) return "start";
  return mark === period.end ? "end" : "middle";
}

function markTexts({ kind, end }: Period, formats: Formats): (ms: number) => string {
  if (kind === "day") return (ms) => (ms === end ? "24:00" : formats.time(ms));
  const options = {
    week: { weekday: "short" },
    month: { day: "numeric", month: "short" },
    year: { month: "short" },
  } as const;
  const locale = formats.language === "en" ? "en-GB" : "de-DE";
  const format = new Intl.DateTimeFormat(locale, { timeZone: formats.zone, ...options[kind] });
  return (ms) => format.format(ms);
}

interface Drawn {
  readonly points: readonly Point[];
  readonly scale: Scale;
  readonly across: Across;
}

/** Where nothing was measured for longer than this, a line is parted: what lies between is not known. */
const gaps: Readonly<Record<Period["kind"], number>> = {
  day: 20 * 60_000,
  week: 6 * hourMs,
  month: 3 * 24 * hourMs,
  year: 14 * 24 * hourMs,
};

function Line({
  points,
  scale,
  across,
  kind,
  period,
}: Drawn & { readonly kind: Kind; readonly period: Period }) {
  const told = points.filter(({ mean }) => mean !== undefined);
  const middle = ({ start, end }: Point) => across((start + end) / 2);
  const runs = kind.chart === "latest" ? [told] : runsOf(told, gaps[period.kind]);
  const dots = told.length <= 60;
  return (
    <>
      {runs.map((run) => {
        const upper = run.map((one) => `${middle(one)},${scale.at(one.high ?? one.mean!)}`);
        const lower = run.map((one) => `${middle(one)},${scale.at(one.low ?? one.mean!)}`).reverse();
        const line = run.map((one) => `${middle(one)},${scale.at(one.mean!)}`);
        return (
          <g key={run[0]?.start}>
            {run.length === 1 && (
              <line
                class="range-bar"
                x1={middle(run[0]!)}
                x2={middle(run[0]!)}
                y1={scale.at(run[0]!.high ?? run[0]!.mean!)}
                y2={scale.at(run[0]!.low ?? run[0]!.mean!)}
              />
            )}
            <polygon class="range" points={[...upper, ...lower].join(" ")} />
            <polyline class="mean" points={line.join(" ")} />
          </g>
        );
      })}
      {dots &&
        told.map((one) => (
          <circle key={one.start} class="dot" cx={middle(one)} cy={scale.at(one.mean!)} r="3.5" />
        ))}
    </>
  );
}

function runsOf(points: readonly Point[], gap: number): readonly (readonly Point[])[] {
  const runs: Point[][] = [];
  for (const point of points) {
    const run = runs.at(-1);
    if (run !== undefined && point.start - run.at(-1)!.end <= gap) run.push(point);
    else runs.push([point]);
  }
  return runs;
}

/** Between two bars there is a little room, where they are wide enough for it. */
function barOf({ start, end }: Point, across: Across) {
  const [from, to] = [across(start), across(end)];
  const room = Math.min(4, (to - from) * 0.25);
  return { x: from + room / 2, width: Math.max(1, to - from - room) };
}

function Bars({ points, scale, across }: Drawn) {
  return (
    <>
      {points
        .filter(({ sum }) => sum !== undefined)
        .map((one) => {
          const y = scale.at(one.sum!);
          return (
            <rect
              key={one.start}
              class="bar-mark"
              rx="3"
              y={y}
              height={Math.max(1, scale.at(0) - y)}
              {...barOf(one, across)}
            />
          );
        })}
    </>
  );
}

function Stages({ points, scale, across }: Drawn) {
  return (
    <>
      {points.map((one) => {
        let below = 0;
        return stageOrder.map((stage, at) => {
          const hours = (one.held.get(stage) ?? 0) / hourMs;
          if (hours === 0) return null;
          const from = below;
          below += hours;
          return (
            <rect
              key={`${one.start} ${stage}`}
              class={`stage stage-${at}`}
              y={scale.at(below)}
              height={Math.max(1, scale.at(from) - scale.at(below))}
              {...barOf(one, across)}
            />
          );
        });
      })}
    </>
  );
}

/** From the lower to the upper value, as one bar each. */
function Pressure({ source, scale, across }: Omit<Drawn, "points"> & { readonly source: SourceLines }) {
  const upper = source.lines.find(({ component }) => component === "8480-6")?.points ?? [];
  const lower = new Map(
    source.lines.find(({ component }) => component === "8462-4")?.points.map((one) => [one.start, one]),
  );
  return (
    <>
      {upper.map((one) => {
        const under = lower.get(one.start)?.mean;
        if (one.mean === undefined || under === undefined) return null;
        const x = across((one.start + one.end) / 2);
        return (
          <g key={one.start}>
            <line class="pressure" x1={x} x2={x} y1={scale.at(one.mean)} y2={scale.at(under)} />
            <circle class="dot" cx={x} cy={scale.at(one.mean)} r="4" />
            <circle class="dot hollow" cx={x} cy={scale.at(under)} r="4" />
          </g>
        );
      })}
    </>
  );
}
