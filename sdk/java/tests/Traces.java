import dev.wellapi.client.Client;
import dev.wellapi.client.ClientBuilder;
import dev.wellapi.client.WellApiException;
import dev.wellapi.records.v1.QuerySeriesRequest;
import dev.wellapi.records.v1.RecordsServiceGrpc;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.instrumentation.grpc.v1_6.GrpcTelemetry;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.util.ArrayList;
import java.util.List;

/** OpenTelemetry's own instrumentation of gRPC as an interceptor of the library's. */
final class Traces {
  private static final Metadata.Key<String> TRACEPARENT =
      Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER);

  private Traces() {}

  /** Each call is a span by the conventions, also one that is refused, whose trace goes on to the server. */
  static void check(ClientBuilder reached, QuerySeriesRequest request) {
    var exporter = InMemorySpanExporter.create();
    var tracers = SdkTracerProvider.builder().addSpanProcessor(SimpleSpanProcessor.create(exporter)).build();
    var propagators = ContextPropagators.create(W3CTraceContextPropagator.getInstance());
    List<String> sent = new ArrayList<>();
    try (var sdk = OpenTelemetrySdk.builder().setTracerProvider(tracers).setPropagators(propagators).build();
        Client client =
            reached.interceptor(GrpcTelemetry.create(sdk).createClientInterceptor()).interceptor(noting(sent)).build()) {
      client.call(RecordsServiceGrpc.getQuerySeriesMethod(), request);
      try {
        client.call(RecordsServiceGrpc.getQuerySeriesMethod(), request.toBuilder().clearPatient().build());
        throw new AssertionError("not refused");
      } catch (WellApiException refused) {
        require(refused.reason().equals("INVALID_FIELD"), refused.toString());
      }
      List<SpanData> spans = exporter.getFinishedSpanItems();
      require(spans.size() == 2, spans.toString());
      for (SpanData span : spans) {
        require(span.getName().equals("wellapi.records.v1.RecordsService/QuerySeries"), span.getName());
        require(span.getKind() == SpanKind.CLIENT, span.toString());
        require(sent.stream().anyMatch(one -> one.contains(span.getTraceId() + "-" + span.getSpanId())), sent.toString());
        // What is asked for is no attribute: a span leaves the program.
        require(!span.getAttributes().toString().contains(request.getPatient()), "a patient's id in a span");
      }
      require(spans.get(0).getStatus().getStatusCode() == StatusCode.UNSET, spans.toString());
      require(spans.get(1).getStatus().getStatusCode() == StatusCode.ERROR, spans.toString());
    }
  }

  /** Innermost: what leaves. */
  private static ClientInterceptor noting(List<String> sent) {
    return new ClientInterceptor() {
      @Override
      public <Q, R> ClientCall<Q, R> interceptCall(MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
        return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
          @Override
          public void start(Listener<R> listener, Metadata headers) {
            sent.add(headers.get(TRACEPARENT));
            super.start(listener, headers);
          }
        };
      }
    };
  }

  private static void require(boolean holds, String otherwise) {
    if (!holds) throw new AssertionError(otherwise);
  }
}
