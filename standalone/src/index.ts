export { type Exchange, openExchange } from "./exchange.ts";
export { run } from "./run.ts";
