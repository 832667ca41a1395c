import type { Line } from "../result.ts";
import { streamSeries } from "./p01-stream-series.ts";
import { streamObservations } from "./p02-stream-observations.ts";
import { unaryConnect } from "./p03-unary-connect.ts";
import { unaryGrpc } from "./p04-unary-grpc.ts";
import { readSeries } from "./p05-read-series.ts";
import { pageAndAggregate } from "./p06-page-and-aggregate.ts";

/** In the table's order. */
export const lines: readonly Line[] = [
  streamSeries,
  streamObservations,
  unaryConnect,
  unaryGrpc,
  readSeries,
  pageAndAggregate,
];
