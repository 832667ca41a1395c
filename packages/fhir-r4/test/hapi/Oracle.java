import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.validation.FhirValidator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import org.hl7.fhir.r4.model.StructureDefinition;

/**
 * Prints what HAPI's validator says of each file in a folder: a line for each message, `file TAB severity TAB place TAB text`. It
 * asks nobody on the network. A second folder, where there is one, has the StructureDefinitions of guides, which it knows then.
 */
public class Oracle {
  public static void main(String[] arguments) throws IOException {
    FhirContext context = FhirContext.forR4();
    var guides = new PrePopulatedValidationSupport(context);
    if (arguments.length > 1) {
      try (var files = Files.list(Path.of(arguments[1]))) {
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
    FhirValidator validator = context.newValidator().registerValidatorModule(new FhirInstanceValidator(support));
    try (var files = Files.list(Path.of(arguments[0]))) {
      for (Path file : files.sorted().toList()) {
        for (var message : validator.validateWithResult(Files.readString(file)).getMessages()) {
          String text = message.getMessage().replaceAll("\\s+", " ");
          System.out.println(file.getFileName() + "\t" + message.getSeverity() + "\t" + message.getLocationString() + "\t" + text);
        }
      }
    }
  }
}
