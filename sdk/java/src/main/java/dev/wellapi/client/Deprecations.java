package dev.wellapi.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.lang.System.Logger.Level;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/** Tells each name once, of what the exchange says that calls use and that will go. Errors are looked at, too. */
final class Deprecations implements ClientInterceptor {
  private static final Metadata.Key<String> NAMES = key("wellapi-deprecated");
  private static final Metadata.Key<String> SUNSET = key("sunset");

  private final Set<String> told = ConcurrentHashMap.newKeySet();
  private final Consumer<Deprecation> tell;

  Deprecations(Consumer<Deprecation> tell) {
    this.tell = tell;
  }

  @Override
  public <Q, R> ClientCall<Q, R> interceptCall(MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
    return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
      @Override
      public void start(Listener<R> listener, Metadata headers) {
        super.start(
            new SimpleForwardingClientCallListener<>(listener) {
              @Override
              public void onHeaders(Metadata answered) {
                look(answered);
                super.onHeaders(answered);
              }

              @Override
              public void onClose(Status status, Metadata trailers) {
                look(trailers);
                super.onClose(status, trailers);
              }
            },
            headers);
      }
    };
  }

  private void look(Metadata headers) {
    String names = headers == null ? null : headers.get(NAMES);
    if (names == null) return;
    Optional<Instant> sunset = Optional.ofNullable(headers.get(SUNSET)).flatMap(Deprecations::day);
    // A list of tokens with a parameter (RFC 9651).
    for (String item : names.split(",")) {
      String[] parts = item.strip().split("\\s*;\\s*");
      if (!told.add(parts[0])) continue;
      Optional<String> instead =
          Arrays.stream(parts)
              .filter(part -> part.startsWith("instead="))
              .map(part -> part.substring("instead=".length()))
              .findFirst();
      tell.accept(new Deprecation(parts[0], instead, sunset));
    }
  }

  /** What is told where nobody asks for it: a warning of the logger `dev.wellapi`. */
  static void warn(Deprecation deprecation) {
    String until =
        deprecation.sunset().map(day -> " and may not work from " + day.toString().substring(0, 10) + " on").orElse("");
    String use = deprecation.instead().map(name -> ": use " + name).orElse("");
    System.getLogger("dev.wellapi").log(Level.WARNING, deprecation.name() + " of WellAPI is deprecated" + until + use);
  }

  private static Optional<Instant> day(String sunset) {
    try {
      return Optional.of(ZonedDateTime.parse(sunset, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant());
    } catch (DateTimeException none) {
      return Optional.empty();
    }
  }

  private static Metadata.Key<String> key(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }
}
