import type { Line } from "../result.ts";
import { streamSeries } from "./p01-stream-series.ts";
import { streamObservations } from "./p02-stream-observations.ts";
import { unaryConnect } from "./p03-unary-connect.ts";
import { unaryGrpc } from "./p04-unary-grpc.ts";
import { readSeries } from "./p05-read-series.ts";
import { pageAndAggregate } from "./p06-page-and-aggregate.ts";
import { decision } from "./p07-decision.ts";
import { revocation } from "./p08-revocation.ts";
import { auditLeaves } from "./p09-audit-leaves.ts";
import { bytesOnDisk } from "./p10-bytes-on-disk.ts";
import { growth } from "./p11-growth.ts";
import { start } from "./p12-start.ts";
import { idle } from "./p13-idle.ts";
import { neighbours } from "./p14-neighbours.ts";
import { fhir } from "./p15-fhir.ts";
import { people } from "./p16-people.ts";

/** In the table's order. */
export const lines: readonly Line[] = [
  streamSeries,
  streamObservations,
  unaryConnect,
  unaryGrpc,
  readSeries,
  pageAndAggregate,
  decision,
  revocation,
  auditLeaves,
  bytesOnDisk,
  growth,
  start,
  idle,
  neighbours,
  fhir,
  people,
];
