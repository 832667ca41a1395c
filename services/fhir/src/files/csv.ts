import { type ObservationRow, type SampleRow, timeText } from "./rows.ts";

/** Text that a table program reads: RFC 4180, UTF-8. About 64 KiB a piece. */
const pieceCharacters = 65_536;

export async function* samplesCsv(rows: AsyncIterable<SampleRow>): AsyncGenerator<string> {
  yield* csv(
    "code,name,component,start,end,value,unit,method,granularity,organization,device,device_model",
    rows,
    (row) => [
      textCell(row.code),
      textCell(row.display),
      textCell(row.component),
      timeText(row.startMs, row.offsetMinutes),
      timeText(row.endMs, row.offsetMinutes),
      row.numeric ? row.value : textCell(row.value),
      textCell(row.unit),
      row.method,
      row.granularity,
      textCell(row.organization),
      textCell(row.device),
      textCell(row.deviceModel),
    ],
  );
}

export async function* observationsCsv(rows: AsyncIterable<ObservationRow>): AsyncGenerator<string> {
  yield* csv(
    "id,code,name,start,end,value,unit,components,status,notes,received,method,organization,device,device_model",
    rows,
    (row) => [
      textCell(row.id),
      textCell(row.code),
      textCell(row.display),
      timeText(row.startMs, row.offsetMinutes),
      timeText(row.endMs, row.offsetMinutes),
      isNumber(row.value) ? row.value : textCell(row.value),
      textCell(row.unit),
      textCell(row.components),
      row.status,
      textCell(row.notes),
      timeText(row.receivedMs, 0),
      row.method,
      textCell(row.organization),
      textCell(row.device),
      textCell(row.deviceModel),
    ],
  );
}

async function* csv<R>(
  head: string,
  rows: AsyncIterable<R>,
  cells: (row: R) => readonly string[],
): AsyncGenerator<string> {
  let piece = `${head}\r\n`;
  for await (const row of rows) {
    piece += `${cells(row).join(",")}\r\n`;
    if (piece.length < pieceCharacters) continue;
    yield piece;
    piece = "";
  }
  if (piece !== "") yield piece;
}

function isNumber(text: string): boolean {
  return /^-?[0-9]+(\.[0-9]+)?$/.test(text);
}

/**
 * A cell of text that others wrote. One that a table program would run as a formula gets an apostrophe in front: a device may call
 * itself `=HYPERLINK(...)`.
 */
export function textCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
