import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.api.MethodOutcome;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.api.ServerValidationModeEnum;
import ca.uhn.fhir.rest.client.interceptor.AdditionalRequestHeadersInterceptor;
import ca.uhn.fhir.rest.gclient.StringClientParam;
import ca.uhn.fhir.rest.gclient.TokenClientParam;
import ca.uhn.fhir.rest.server.exceptions.BaseServerResponseException;
import java.util.ArrayList;
import java.util.List;
import org.hl7.fhir.r4.model.*;

/**
 * What a clinic's program does with HAPI's client, in both encodings: writes, reads, updates, searches page by page, sends a
 * transaction, asks the terminology, and is refused. It prints a line `what TAB outcome` for each.
 */
public class Story {
  static final String ICD = "http://hl7.org/fhir/sid/icd-10-cm";
  final IGenericClient client;
  final String patient;
  final String name;

  Story(IGenericClient client, String patient, String name) {
    this.client = client;
    this.patient = patient;
    this.name = name;
  }

  public static void main(String[] arguments) {
    FhirContext context = FhirContext.forR4();
    // The client asks for metadata first, and refuses a server whose FHIR is another.
    context.getRestfulClientFactory().setServerValidationMode(ServerValidationModeEnum.ONCE);
    context.getRestfulClientFactory().setSocketTimeout(60_000);
    for (EncodingEnum encoding : List.of(EncodingEnum.JSON, EncodingEnum.XML)) {
      IGenericClient client = context.newRestfulGenericClient(arguments[0]);
      AdditionalRequestHeadersInterceptor headers = new AdditionalRequestHeadersInterceptor();
      headers.addHeaderValue("x-api-key", arguments[1]);
      client.registerInterceptor(headers);
      client.setEncoding(encoding);
      new Story(client, arguments[2], encoding.name()).tell();
    }
  }

  void tell() {
    CapabilityStatement metadata = client.capabilities().ofType(CapabilityStatement.class).execute();
    say("metadata", metadata.getFhirVersion().toCode());

    MethodOutcome created = client.create().resource(condition("I10", "2026-03-01")).execute();
    say("created", created.getCreated() + " version " + created.getId().getVersionIdPart());
    Condition read = client.read().resource(Condition.class).withId(created.getId().toVersionless()).execute();
    say("read", read.getCode().getCodingFirstRep().getCode() + " " + read.getOnsetDateTimeType().asStringValue());
    read.setOnset(new DateTimeType("2026-03-02"));
    MethodOutcome updated = client.update().resource(read).execute();
    say("updated", "version " + updated.getId().getVersionIdPart());
    Condition before = client.read().resource(Condition.class).withId(created.getId()).execute();
    say("version read", before.getOnsetDateTimeType().asStringValue());
    say("history", client.history().onInstance(created.getId().toVersionless()).returnBundle(Bundle.class).execute().getEntry().size());

    Observation weight = new Observation();
    weight.setStatus(Observation.ObservationStatus.FINAL);
    weight.getCode().addCoding().setSystem("http://loinc.org").setCode("29463-7");
    weight.setSubject(new Reference("Patient/" + patient));
    weight.setEffective(new DateTimeType("2026-03-01T08:00:00+01:00"));
    weight.setValue(new Quantity().setValue(new java.math.BigDecimal("80.50")).setUnit("kg").setSystem("http://unitsofmeasure.org").setCode("kg"));
    MethodOutcome stored = client.create().resource(weight).execute();
    Observation back = client.read().resource(Observation.class).withId(stored.getId().toVersionless()).execute();
    say("decimal", back.getValueQuantity().getValue().toPlainString());

    String code = name.equals("JSON") ? "E11.8" : "E11.9";
    for (int day = 1; day <= 5; day++) client.create().resource(condition(code, "2026-05-0" + day)).execute();
    List<String> days = new ArrayList<>();
    int pages = 0;
    Bundle page = client.search().forResource(Condition.class)
        .where(new ca.uhn.fhir.rest.gclient.ReferenceClientParam("patient").hasId("Patient/" + patient))
        .and(new TokenClientParam("code").exactly().systemAndCode(ICD, code))
        .count(2).returnBundle(Bundle.class).execute();
    while (true) {
      pages++;
      for (Bundle.BundleEntryComponent entry : page.getEntry()) days.add(((Condition) entry.getResource()).getOnsetDateTimeType().asStringValue());
      if (page.getLink(Bundle.LINK_NEXT) == null) break;
      page = client.loadPage().next(page).execute();
    }
    say("searched", pages + " pages " + days.stream().sorted().distinct().count() + " of " + days.size());

    Encounter encounter = new Encounter();
    encounter.setStatus(Encounter.EncounterStatus.FINISHED);
    encounter.setClass_(new Coding().setSystem("http://terminology.hl7.org/CodeSystem/v3-ActCode").setCode("AMB"));
    encounter.setSubject(new Reference("Patient/" + patient));
    String visit = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0";
    Bundle transaction = new Bundle().setType(Bundle.BundleType.TRANSACTION);
    transaction.addEntry().setFullUrl(visit).setResource(encounter).getRequest().setMethod(Bundle.HTTPVerb.POST).setUrl("Encounter");
    Condition problem = condition("J45.20", "2026-06-01");
    problem.setEncounter(new Reference(visit));
    transaction.addEntry().setFullUrl("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e1").setResource(problem).getRequest().setMethod(Bundle.HTTPVerb.POST).setUrl("Condition");
    Bundle answer = client.transaction().withBundle(transaction).execute();
    String atEncounter = new IdType(answer.getEntry().get(0).getResponse().getLocation()).toUnqualifiedVersionless().getValue();
    IdType atProblem = new IdType(answer.getEntry().get(1).getResponse().getLocation());
    Condition linked = client.read().resource(Condition.class).withId(atProblem.toVersionless().getIdPart()).execute();
    say("transaction", linked.getEncounter().getReferenceElement().toUnqualifiedVersionless().getValue().equals(atEncounter) ? "linked" : "not linked");

    Parameters lookup = client.operation().onType(CodeSystem.class).named("$lookup")
        .withParameter(Parameters.class, "system", new UriType("http://loinc.org"))
        .andParameter("code", new CodeType("8867-4")).execute();
    say("lookup", lookup.getParameter("display").getValue().primitiveValue());
    ValueSet expanded = client.operation().onType(ValueSet.class).named("$expand")
        .withParameter(Parameters.class, "url", new UriType("https://wellapi.dev/fhir/ValueSet/category-heart"))
        .useHttpGet().returnResourceType(ValueSet.class).execute();
    say("expand", expanded.getExpansion().getTotal() == expanded.getExpansion().getContains().size() ? "whole" : "parts");

    refused("stale", () -> client.update().resource(before).execute());
    client.delete().resourceById(created.getId().toVersionless()).execute();
    refused("deleted", () -> client.read().resource(Condition.class).withId(created.getId().toVersionless()).execute());
    refused("another type", () -> client.update().resource(condition("I10", "2026-03-03").setId(stored.getId().toVersionless().getIdPart())).execute());
    refused("search over all", () -> client.search().forResource(Condition.class).returnBundle(Bundle.class).execute());
    refused("wrong", () -> client.create().resource((Condition) condition("I10", "2026-03-01").setSubject(null)).execute());
    refused("parameter", () -> client.search().forResource(Condition.class)
        .where(new StringClientParam("colour").matches().value("red")).returnBundle(Bundle.class).execute());
  }

  Condition condition(String code, String onset) {
    Condition condition = new Condition();
    condition.setSubject(new Reference("Patient/" + patient));
    condition.getCode().addCoding().setSystem(ICD).setCode(code);
    condition.getClinicalStatus().addCoding().setSystem("http://terminology.hl7.org/CodeSystem/condition-clinical").setCode("active");
    condition.setOnset(new DateTimeType(onset));
    return condition;
  }

  /** The status, and the reason of the OperationOutcome. */
  void refused(String what, Runnable call) {
    try {
      call.run();
      say(what, "not refused");
    } catch (BaseServerResponseException error) {
      OperationOutcome outcome = (OperationOutcome) error.getOperationOutcome();
      say(what, error.getStatusCode() + " " + (outcome == null ? "" : outcome.getIssueFirstRep().getDetails().getCodingFirstRep().getCode()));
    }
  }

  void say(String what, Object outcome) {
    System.out.println(name + " " + what + "\t" + outcome);
  }
}
