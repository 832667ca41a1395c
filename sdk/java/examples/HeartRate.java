import dev.wellapi.client.Certificate;
import dev.wellapi.client.Client;
import dev.wellapi.consent.v1.Consent;
import dev.wellapi.consent.v1.ConsentServiceGrpc;
import dev.wellapi.consent.v1.ListConsentsRequest;
import dev.wellapi.records.v1.ReadSeriesRequest;
import dev.wellapi.samples.BatchOptions;
import dev.wellapi.samples.Batches;
import dev.wellapi.samples.Row;
import dev.wellapi.samples.Samples;
import dev.wellapi.type.v1.Coding;
import dev.wellapi.type.v1.Purpose;
import java.nio.file.Path;
import java.time.OffsetDateTime;
import java.util.List;

public class HeartRate {
  public static void main(String[] arguments) throws Exception {
    var url = System.getenv().getOrDefault("WELLAPI_URL", "https://localhost:7443");
    var certificate = Certificate.fromFolder(Path.of(arguments[0]));

    try (var client = Client.builder(url).certificate(certificate).build()) {
      // The patient has an id of your own organization: consents name it.
      var inForce = ListConsentsRequest.newBuilder().addStates(Consent.State.STATE_ACTIVE).build();
      var consents = client.call(ConsentServiceGrpc.getListConsentsMethod(), inForce);
      var patient = consents.getConsents(0).getPatient();

      var start = OffsetDateTime.parse("2026-04-14T08:00:00+02:00");
      var rows = List.of(
          Row.of(start, "72"), Row.of(start.plusMinutes(1), "75"), Row.of(start.plusMinutes(2), "74.5"));
      for (var answer : client.uploadSeries(Batches.batchesOf(rows, BatchOptions.of(patient, "8867-4", "/min")))) {
        answer.error().ifPresent(error -> {
          throw error;
        });
        answer.receipt().get().getItemsList().forEach(item -> System.out.println(item.getStatus()));
      }

      var request = ReadSeriesRequest.newBuilder()
          .setPatient(patient)
          .setCode(Coding.newBuilder().setCode("8867-4"))
          .setPurpose(Purpose.PURPOSE_TREATMENT)
          .build();
      for (var run : client.readSeries(request)) {
        for (var sample : Samples.samplesOf(run)) {
          System.out.println(sample.time() + " " + sample.text() + " " + sample.unit());
        }
      }
    }
  }
}
