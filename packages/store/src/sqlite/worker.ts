import { parentPort, workerData } from "node:worker_threads";
import type { WorkerOptions } from "./protocol.ts";
import { serveStore } from "./serve.ts";

void serveStore(parentPort!, workerData as WorkerOptions);
