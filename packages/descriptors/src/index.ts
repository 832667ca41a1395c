export { fieldRules, fieldType } from "./field.ts";
export { isDestructive, rpcName } from "./rpc.ts";
export { faultHeader } from "./sandbox-fault.ts";
