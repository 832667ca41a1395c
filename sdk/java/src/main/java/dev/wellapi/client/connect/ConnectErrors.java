package dev.wellapi.client.connect;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import java.util.Set;

/** Errors as the Connect protocol writes them, to gRPC's status with its details among the trailers. */
final class ConnectErrors {
  private static final Set<String> OF_CONNECTION = Set.of("connection", "keep-alive", "transfer-encoding", "upgrade");

  private ConnectErrors() {}

  /** The error of an answer that is none of the protocol's successes. */
  static Status ofAnswer(int httpStatus, String kind, byte[] body, Metadata trailers) {
    Status fallback = Status.fromCode(ofHttp(httpStatus)).withDescription("HTTP " + httpStatus);
    if (!kind.startsWith("application/json") || httpStatus == 200) return fallback;
    JsonObject error = object(body);
    return error == null ? fallback : statusOf(error, fallback, trailers);
  }

  /** How a stream ended, by its last message. */
  static Status ofEnd(byte[] message, Metadata trailers) {
    Status malformed = Status.INTERNAL.withDescription("the end of the stream cannot be read");
    JsonObject end = object(message);
    if (end == null) return malformed;
    JsonElement error = end.get("error");
    if (error == null || error.isJsonNull()) return Status.OK;
    return error.isJsonObject() ? statusOf(error.getAsJsonObject(), malformed, trailers) : malformed;
  }

  private static Status statusOf(JsonObject error, Status fallback, Metadata trailers) {
    Status.Code code = codeOf(text(error, "code"));
    if (code == null) code = fallback.getCode();
    com.google.rpc.Status.Builder status =
        com.google.rpc.Status.newBuilder().setCode(code.value()).setMessage(text(error, "message"));
    if (error.get("details") != null && error.get("details").isJsonArray()) {
      for (JsonElement one : error.getAsJsonArray("details")) {
        if (!one.isJsonObject()) continue;
        byte[] value = decoded(text(one.getAsJsonObject(), "value"));
        if (value == null) continue;
        status.addDetails(
            Any.newBuilder()
                .setTypeUrl("type.googleapis.com/" + text(one.getAsJsonObject(), "type"))
                .setValue(ByteString.copyFrom(value)));
      }
    }
    StatusRuntimeException made = StatusProto.toStatusRuntimeException(status.build());
    if (made.getTrailers() != null) trailers.merge(made.getTrailers());
    return made.getStatus();
  }

  private static Status.Code codeOf(String name) {
    // The one name that Connect spells otherwise.
    if (name.equals("canceled")) return Status.Code.CANCELLED;
    for (Status.Code code : Status.Code.values()) {
      if (code != Status.Code.OK && code.name().toLowerCase(Locale.ROOT).equals(name)) return code;
    }
    return null;
  }

  /** Of the protocol's table, for what something before the gateway answers. */
  private static Status.Code ofHttp(int status) {
    return switch (status) {
      case 400 -> Status.Code.INTERNAL;
      case 401 -> Status.Code.UNAUTHENTICATED;
      case 403 -> Status.Code.PERMISSION_DENIED;
      case 404 -> Status.Code.UNIMPLEMENTED;
      case 429, 502, 503, 504 -> Status.Code.UNAVAILABLE;
      default -> Status.Code.UNKNOWN;
    };
  }

  /** Headers that metadata can carry, without those of the connection itself (RFC 9110, 7.6.1). */
  static void copy(HttpHeaders from, Metadata to) {
    from.map()
        .forEach(
            (name, values) -> {
              boolean isOfConnection = OF_CONNECTION.contains(name.toLowerCase(Locale.ROOT));
              if (isOfConnection || !name.matches("[0-9A-Za-z_.-]+")) return;
              if (name.endsWith(Metadata.BINARY_HEADER_SUFFIX)) return;
              Metadata.Key<String> key = Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
              values.forEach(value -> to.put(key, value));
            });
  }

  private static JsonObject object(byte[] json) {
    try {
      JsonElement read = JsonParser.parseString(new String(json, StandardCharsets.UTF_8));
      return read.isJsonObject() ? read.getAsJsonObject() : null;
    } catch (JsonParseException malformed) {
      return null;
    }
  }

  private static String text(JsonObject object, String name) {
    JsonElement value = object.get(name);
    return value == null || !value.isJsonPrimitive() ? "" : value.getAsString();
  }

  private static byte[] decoded(String base64) {
    try {
      return Base64.getDecoder().decode(base64);
    } catch (IllegalArgumentException malformed) {
      return null;
    }
  }
}
