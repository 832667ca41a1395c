import { parentPort } from "node:worker_threads";
import type { StoreToServe } from "./connection.ts";
import { serveStore } from "./serve.ts";

parentPort!.on("message", ({ options, port }: StoreToServe) => void serveStore(port, options));
