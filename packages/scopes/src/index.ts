export { hasScope, type Narrowing, narrowingOf, scopesWithin } from "./needs.ts";
export { formatScope, isScope, parseScope, type SmartContext, type SmartScope } from "./smart-scope.ts";
