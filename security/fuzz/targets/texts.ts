import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkUnitAgainst, convertDecimal, parseDecimal, TerminologyError } from "@wellapi/terminology";
import { readRows } from "../../../cli/src/csv.ts";
import { CliError } from "../../../cli/src/failure.ts";
import { createTimeReader } from "../../../cli/src/time-format.ts";
import { createZone } from "../../../cli/src/zone.ts";
import {
  isTimeZone,
  resolveLocalTime,
  resolveOffsetTime,
} from "../../../packages/normalize/src/time-zone.ts";
import { assertResult, type FuzzTarget, isOneOf, textOf, utf8 } from "../target.ts";

const csvFiles = [
  "time,value\n2016-04-12T08:00:00Z,98.6\n2016-04-12T08:01:00Z,-1.25\n",
  '\ufefftime;value;note\r\n2016-04-12T08:00:00;98,6;"a ""b"""\r\n',
  "Timestamp\tvalue\n2016-04-12 08:00\t70\n",
];

const zone = createZone("Europe/Berlin");
const timeReaders = ["iso", "epoch-seconds", "epoch-milliseconds", "M/d/yyyy h:mm:ss a"].map(
  createTimeReader,
);

/** Year 1 to 9999, as the contracts have times. */
function isTime(ms: number): boolean {
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15;
}

/** On a disk in memory where there is one: a file is written for each input. */
function csvFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "wellapi-fuzz-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "rows.csv");
}

export const textTargets: readonly FuzzTarget[] = [
  {
    name: "csv",
    open() {
      const file = csvFile();
      return {
        corpus: csvFiles.map(utf8),
        words: [
          '"',
          '""',
          ";",
          "\t",
          "\r\n",
          "2016-03-27T02:30:00",
          "2016-10-30T02:30:00",
          "value",
          "__proto__",
        ],
        refuses: isOneOf(CliError),
        async parse(input) {
          writeFileSync(file, input);
          let previous = Number.NEGATIVE_INFINITY;
          for (const decimalComma of [false, true]) {
            previous = Number.NEGATIVE_INFINITY;
            const problems: string[] = [];
            const onInvalid = ({ problem }: { problem: string }) => void problems.push(problem);
            for await (const row of readRows(file, { timeZone: "Europe/Berlin", decimalComma, onInvalid })) {
              assertResult(row.timeMs > previous && isTime(row.timeMs), "rows that do not ascend");
              assertResult(
                "mantissa" in row && Number.isSafeInteger(row.mantissa),
                "a value that is not exact",
              );
              previous = row.timeMs;
            }
          }
        },
      };
    },
  },
  {
    name: "time",
    open: () => ({
      corpus: [
        "2016-04-12T08:00:00Z",
        "2016-04-12 08:00",
        "1460448000",
        "1460448000000",
        "4/12/2016 8:00:00 AM",
      ]
        .concat("2016-04-12T08:00:00.123+02:00", "2016-03-27T02:30:00", "-000001-01-01T00:00:00Z")
        .map(utf8),
      words: [
        "24:00",
        "60",
        "-00:00",
        "+99:59",
        "0000",
        "+010000",
        "02-29",
        "[Europe/Berlin]",
        "[u-ca=hebrew]",
      ],
      refuses: () => false,
      parse(input) {
        const text = textOf(input);
        const kinds = timeReaders.map((read) => {
          const time = read(text);
          if (typeof time === "string") return "refused";
          if (time.kind === "instant") {
            assertResult(isTime(time.ms), "an instant that is none");
            return `instant ${typeof zone.offsetAt(time.ms)}`;
          }
          return `local ${typeof zone.resolve(time.text, Number.NEGATIVE_INFINITY)}`;
        });
        for (const time of [resolveOffsetTime(text), resolveLocalTime(text, "Europe/Berlin")]) {
          assertResult(typeof time === "string" || isTime(time.timeMs), "a time that is none");
          kinds.push(typeof time === "string" ? time : "time");
        }
        return kinds.join();
      },
    }),
  },
  {
    name: "time-zone",
    open: () => ({
      corpus: ["Europe/Berlin", "UTC", "Asia/Calcutta"].map(utf8),
      words: ["Etc/GMT+1", "+01:00", "2016-04-12T08:00:00[Europe/Berlin]", "[u-ca=hebrew]"],
      refuses: () => false,
      parse(input) {
        const name = textOf(input);
        if (!isTimeZone(name)) return "no zone";
        const time = resolveLocalTime("2016-04-12T08:00:00", name);
        assertResult(typeof time !== "string", "a zone in which a common time is not one");
      },
    }),
  },
  {
    name: "time-format",
    open: () => ({
      corpus: ["M/d/yyyy h:mm:ss a", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "d.M.yyyy H:mm"].map(utf8),
      words: ["yyyy", "MM", "(a+)+$", "\\d", "[", "'", "SSS", "XXX", "?<x>"],
      refuses: isOneOf(CliError),
      parse: (input) => void createTimeReader(textOf(input))("2016-04-12T08:00:00"),
    }),
  },
  {
    name: "decimal",
    open: () => ({
      corpus: ["98.60", "-0.5", "9007199254740991", "0.123456789", "0"].map(utf8),
      refuses: () => false,
      parse(input) {
        const text = textOf(input);
        const decimal = parseDecimal(text);
        if (typeof decimal === "string") return decimal;
        const { mantissa, scale } = decimal;
        assertResult(
          Number.isSafeInteger(mantissa) && !Object.is(mantissa, -0),
          "a mantissa that is not exact",
        );
        const digits = String(Math.abs(mantissa)).padStart(scale + 1, "0");
        const point = digits.length - scale;
        const again = `${digits.slice(0, point)}${scale > 0 ? "." : ""}${digits.slice(point)}`;
        assertResult(again === text.replace("-", ""), "a decimal is another when it is written again");
        return String(scale);
      },
    }),
  },
  {
    name: "unit",
    open: () => ({
      corpus: ["/min", "{beats}/min", "mm[Hg]", "[degF]", "mmol/L", "10*3/uL", "kg.m2/s2", "%"].map(utf8),
      words: [
        "10*",
        "10^",
        "{",
        "}",
        "[",
        "]",
        "mol",
        "da",
        "Ym",
        "[pH]",
        "(((((",
        "-99",
        "constructor",
        "toString",
      ],
      refuses: isOneOf(TerminologyError),
      parse(input) {
        const unit = textOf(input);
        checkUnitAgainst("Cel", unit);
        const { mantissa } = convertDecimal({ mantissa: 9860n, scale: 2 }, unit, unit, 9);
        assertResult(mantissa === 98_600_000_000n, "a number changes when its unit does not");
      },
    }),
  },
];
