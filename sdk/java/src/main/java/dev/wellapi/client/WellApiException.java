package dev.wellapi.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import dev.wellapi.type.v1.Failure;
import dev.wellapi.type.v1.FieldViolation;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** A call that failed, with the exchange's reason. */
public final class WellApiException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** The domain of every google.rpc.ErrorInfo of the exchange. */
  public static final String ERROR_DOMAIN = "wellapi.dev";

  private static final Set<Status.Code> TRANSIENT =
      Set.of(
          Status.Code.UNAVAILABLE,
          // A stream that the server resets; a call that is cancelled here throws CancellationException.
          Status.Code.CANCELLED,
          Status.Code.ABORTED,
          Status.Code.DEADLINE_EXCEEDED,
          Status.Code.INTERNAL,
          Status.Code.UNKNOWN);

  /**
   * One field that is wrong.
   *
   * @param field a path from the request's root: `series[2].times`
   * @param description what is wrong and how to mend it
   * @param reason UPPER_SNAKE_CASE: `TIME_IN_FUTURE`
   */
  public record Violation(String field, String description, String reason) {}

  private final Status.Code code;
  private final String reason;
  private final String text;
  private final transient List<Violation> violations;
  private final Duration retryAfter;
  private final String requestId;
  private final transient Map<String, String> metadata;

  private WellApiException(
      Status.Code code,
      String reason,
      String text,
      List<Violation> violations,
      Duration retryAfter,
      String requestId,
      Map<String, String> metadata,
      Throwable cause) {
    super(reason + ": " + text, cause);
    this.code = code;
    this.reason = reason;
    this.text = text;
    this.violations = violations;
    this.retryAfter = retryAfter;
    this.requestId = requestId;
    this.metadata = metadata;
  }

  /** An error that the library makes itself, where no server has answered. */
  static WellApiException local(Status.Code code, String reason, String message, Throwable cause) {
    return new WellApiException(code, reason, message, List.of(), null, null, Map.of(), cause);
  }

  /** The typed error of a call that ended with this status. `requestId` is that of the answer's headers, or null. */
  static RuntimeException of(Status status, Metadata trailers, String requestId) {
    // What this library threw below the call is not a status: it passes as it is.
    if (status.getCause() instanceof WellApiException || status.getCause() instanceof ClientException) {
      return (RuntimeException) status.getCause();
    }
    com.google.rpc.Status details = StatusProto.fromStatusAndTrailers(status, trailers);
    List<Any> all = details == null ? List.of() : details.getDetailsList();
    Optional<ErrorInfo> info =
        all.stream()
            .flatMap(one -> detail(one, ErrorInfo.class).stream())
            .filter(one -> one.getDomain().equals(ERROR_DOMAIN))
            .findFirst();
    List<Violation> violations =
        all.stream()
            .flatMap(one -> detail(one, BadRequest.class).stream())
            .flatMap(one -> one.getFieldViolationsList().stream())
            .map(one -> new Violation(one.getField(), one.getDescription(), one.getReason()))
            .toList();
    Duration retryAfter =
        all.stream()
            .flatMap(one -> detail(one, RetryInfo.class).stream())
            .filter(RetryInfo::hasRetryDelay)
            .map(one -> Duration.ofSeconds(one.getRetryDelay().getSeconds(), one.getRetryDelay().getNanos()))
            .findFirst()
            .orElse(null);
    String message = status.getDescription() == null ? status.getCode().name() : status.getDescription();
    return new WellApiException(
        status.getCode(),
        info.map(ErrorInfo::getReason).orElse(status.getCode().name()),
        message,
        violations,
        retryAfter,
        requestId,
        info.map(ErrorInfo::getMetadataMap).orElse(Map.of()),
        status.getCause());
  }

  /** The typed error in what a generated stub has thrown, for those who call by {@link Client#channel}. */
  public static RuntimeException of(io.grpc.StatusRuntimeException error) {
    return of(error.getStatus(), error.getTrailers() == null ? new Metadata() : error.getTrailers(), null);
  }

  /** The typed error in a failure inside an answer: of one batch, while the stream goes on. */
  static WellApiException of(Failure failure) {
    return new WellApiException(
        Status.fromCodeValue(failure.getCode()).getCode() == Status.Code.OK
            ? Status.Code.UNKNOWN
            : Status.fromCodeValue(failure.getCode()).getCode(),
        failure.getReason(),
        failure.getMessage(),
        failure.getViolationsList().stream()
            .map(one -> new Violation(one.getField(), one.getDescription(), one.getReason()))
            .toList(),
        failure.getRetryAfterMs() > 0 ? Duration.ofMillis(failure.getRetryAfterMs()) : null,
        null,
        Map.of(),
        null);
  }

  /** The inverse, for a batch that was sent by a call of its own. One that may succeed later says when. */
  Failure toFailure() {
    long asked = retryAfter == null ? 0 : retryAfter.toMillis();
    return Failure.newBuilder()
        .setCode(code.value())
        .setReason(reason)
        .setMessage(text)
        .addAllViolations(
            violations.stream()
                .map(
                    one ->
                        FieldViolation.newBuilder()
                            .setField(one.field())
                            .setDescription(one.description())
                            .setReason(one.reason())
                            .build())
                .toList())
        .setRetryAfterMs((int) Math.min(Integer.MAX_VALUE, isTransient() ? Math.max(1, asked) : asked))
        .build();
  }

  private static <M extends Message> Optional<M> detail(Any any, Class<M> kind) {
    try {
      return any.is(kind) ? Optional.of(any.unpack(kind)) : Optional.empty();
    } catch (InvalidProtocolBufferException malformed) {
      // A detail that cannot be read tells nothing; the code and the message stay.
      return Optional.empty();
    }
  }

  public Status.Code code() {
    return code;
  }

  /** UPPER_SNAKE_CASE, of google.rpc.ErrorInfo: `CONSENT_REQUIRED`. The code's name if another server answered. */
  public String reason() {
    return reason;
  }

  /** What is wrong and how to mend it, without the reason before it. Carries no health data. */
  public String text() {
    return text;
  }

  public List<Violation> violations() {
    return violations;
  }

  /** How long the server asks to wait (google.rpc.RetryInfo). */
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }

  /** The call's id in the server's logs. Empty if no server answered. */
  public Optional<String> requestId() {
    return Optional.ofNullable(requestId);
  }

  /** Further facts of google.rpc.ErrorInfo. */
  public Map<String, String> metadata() {
    return metadata;
  }

  /**
   * Whether the same call may succeed later: its connection or server ended, or the server names a delay. Its effect is then
   * unknown, so repeat only what is safe to repeat.
   */
  public boolean isTransient() {
    return TRANSIENT.contains(code) || retryAfter != null;
  }

  /** What to do, in a sentence: mend the named fields, send it again, or what the message says. */
  public String remedy() {
    if (!violations.isEmpty()) {
      return violations.stream()
          .map(one -> one.field() + ": " + one.description())
          .collect(Collectors.joining("; "));
    }
    if (isTransient()) {
      String after = retryAfter == null ? "" : " after " + retryAfter.toMillis() / 1000.0 + " s";
      return "send it again" + after + ", under the same request_id";
    }
    return text;
  }
}
