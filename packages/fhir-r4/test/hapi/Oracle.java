import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.r4.model.StructureDefinition;

/**
 * Prints what HAPI's validator says of each file whose path comes in, one a line: a line for each message, `severity TAB place TAB text`,
 * and an empty line after the last. It asks nobody on the network. A folder that is named has the StructureDefinitions of guides, which
 * it knows then.
 */
public class Oracle {
  public static void main(String[] arguments) throws IOException {
    FhirContext context = FhirContext.forR4();
    var guides = new PrePopulatedValidationSupport(context);
    if (arguments.length > 0) {
      try (var files = Files.list(Path.of(arguments[0]))) {
        for (Path file : files.sorted().toList()) {
          guides.addStructureDefinition(context.newJsonParser().parseResource(StructureDefinition.class, Files.readString(file)));
        }
      }
    }
    var support = new ValidationSupportChain(
        guides,
        new DefaultProfileValidationSupport(context),
        new CommonCodeSystemsTerminologyService(context),
        new InMemoryTerminologyServerValidationSupport(context),
        new SnapshotGeneratingValidationSupport(context));
    var instances = new FhirInstanceValidator(support);
    instances.setErrorForUnknownProfiles(false); // A resource may name a profile of a guide that is not here.
    FhirValidator validator = context.newValidator().registerValidatorModule(instances);
    var paths = new BufferedReader(new InputStreamReader(System.in));
    for (String path = paths.readLine(); path != null; path = paths.readLine()) {
      for (var message : validator.validateWithResult(Files.readString(Path.of(path))).getMessages()) {
        String text = message.getMessage().replaceAll("\\s+", " ");
        System.out.println(message.getSeverity() + "\t" + message.getLocationString() + "\t" + text);
      }
      System.out.println();
    }
  }
}
