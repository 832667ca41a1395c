/**
 * The names of OpenTelemetry's semantic conventions (1.45) that this system uses, as its README asks of whoever uses those that are not
 * stable. The package's own entry point has some three thousand: they would take 4 MB of each process for these few.
 */
export const ATTR_DB_COLLECTION_NAME = "db.collection.name";
export const ATTR_DB_NAMESPACE = "db.namespace";
export const ATTR_DB_OPERATION_NAME = "db.operation.name";
export const ATTR_DB_SYSTEM_NAME = "db.system.name";
export const ATTR_ERROR_TYPE = "error.type";
export const ATTR_MESSAGING_BATCH_MESSAGE_COUNT = "messaging.batch.message_count";
export const ATTR_MESSAGING_CONSUMER_GROUP_NAME = "messaging.consumer.group.name";
export const ATTR_MESSAGING_OPERATION_NAME = "messaging.operation.name";
export const ATTR_MESSAGING_OPERATION_TYPE = "messaging.operation.type";
export const ATTR_MESSAGING_SYSTEM = "messaging.system";
export const ATTR_RPC_METHOD = "rpc.method";
export const ATTR_RPC_RESPONSE_STATUS_CODE = "rpc.response.status_code";
export const ATTR_RPC_SYSTEM_NAME = "rpc.system.name";
export const ATTR_SERVER_ADDRESS = "server.address";
export const ATTR_SERVER_PORT = "server.port";
export const ATTR_V8JS_HEAP_SPACE_NAME = "v8js.heap.space.name";
export const METRIC_DB_CLIENT_OPERATION_DURATION = "db.client.operation.duration";
export const METRIC_NODEJS_EVENTLOOP_DELAY_MAX = "nodejs.eventloop.delay.max";
export const METRIC_NODEJS_EVENTLOOP_DELAY_P50 = "nodejs.eventloop.delay.p50";
export const METRIC_NODEJS_EVENTLOOP_DELAY_P99 = "nodejs.eventloop.delay.p99";
export const METRIC_PROCESS_MEMORY_USAGE = "process.memory.usage";
export const METRIC_RPC_SERVER_CALL_DURATION = "rpc.server.call.duration";
export const METRIC_V8JS_MEMORY_HEAP_SPACE_SIZE = "v8js.memory.heap.space.size";
export const METRIC_V8JS_MEMORY_HEAP_USED = "v8js.memory.heap.used";
export const RPC_SYSTEM_NAME_VALUE_CONNECTRPC = "connectrpc";
export const RPC_SYSTEM_NAME_VALUE_GRPC = "grpc";
