import { tellChange } from "@wellapi/ui/browser/changes";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { CertificateRequest } from "../certificate-request.ts";
import { usePlace } from "../context.ts";
import { certificateSamples, enrollmentSamples } from "../samples.ts";
import { DoButton, Notice, useDoing } from "./notice.tsx";
import { Samples } from "./samples.tsx";

/** The port of the gRPC door where nobody has set another. */
const usualDoorPort = 7443;
const door = (): string => `${location.hostname}:${usualDoorPort}`;

/** Two ways to a certificate: a machine makes the key and shows a code, or this browser makes the key and hands it over. */
export function NewCertificate({ application }: { readonly application: string }) {
  const { application: texts } = usePlace().words;
  return (
    <section class="card stack-close" aria-labelledby="new-certificate">
      <h2 id="new-certificate">{texts.newCertificate}</h2>
      <p>{texts.certificateLead}</p>
      <ByCode application={application} />
      {/* Pages that came neither by HTTPS nor from this machine make no keys. */}
      {isSecureContext && (
        <>
          <p>{texts.browserKeyLead}</p>
          <ByBrowser application={application} />
        </>
      )}
      <p>
        <a href="/docs/guide-languages">{texts.programs}</a>
      </p>
    </section>
  );
}

function ByCode({ application }: { readonly application: string }) {
  const { words, connection } = usePlace();
  const { application: texts } = words;
  const [code, setCode] = useState("");
  const requestId = useRef(crypto.randomUUID());
  const doing = useDoing(async () => {
    const made = await connection.credentials.createEnrollmentCode({
      application,
      requestId: requestId.current,
    });
    requestId.current = crypto.randomUUID();
    setCode(made.code);
  });
  return (
    <>
      <p class="actions">
        <DoButton doing={doing}>{texts.createCode}</DoButton>
      </p>
      {code !== "" && (
        <Notice kind="success">
          <p>{texts.codeOnce}</p>
          <Samples samples={enrollmentSamples(code, door())} />
        </Notice>
      )}
    </>
  );
}

/** File names and PEM texts, as `wellapi credential enroll` writes them. */
type Files = Readonly<Record<"key.pem" | "cert.pem" | "ca.pem", string>>;

/** The key is in this page until it is left, in the file that the reader takes away, and nowhere else. */
function ByBrowser({ application }: { readonly application: string }) {
  const { words, connection } = usePlace();
  const { application: texts } = words;
  // The same for each try, so that a try whose answer was lost issues no second certificate.
  const asked = useRef<CertificateRequest & { readonly requestId: string }>(undefined);
  const [files, setFiles] = useState<Files>();
  const doing = useDoing(async () => {
    const { createCertificateRequest } = await import("../certificate-request.ts");
    asked.current ??= { ...(await createCertificateRequest()), requestId: crypto.randomUUID() };
    const { privateKey, request, requestId } = asked.current;
    const issued = await connection.credentials.issueCertificate({
      application,
      certificateRequest: request,
      requestId,
    });
    asked.current = undefined;
    setFiles({ "key.pem": privateKey, "cert.pem": issued.certificate, "ca.pem": issued.authority });
    tellChange();
  });
  return (
    <>
      <p class="actions">
        <DoButton doing={doing} kind="second">
          {texts.browserKey}
        </DoButton>
      </p>
      {files !== undefined && (
        <Notice kind="success">
          <p>{texts.browserKeyOnce}</p>
          <p class="actions">
            {Object.entries(files).map(([name, text]) => (
              <Download key={`${name} ${text}`} name={name} text={text} />
            ))}
          </p>
          <Samples samples={certificateSamples(".", door())} />
        </Notice>
      )}
    </>
  );
}

function Download({ name, text }: { readonly name: string; readonly text: string }) {
  const address = useMemo(
    () => URL.createObjectURL(new Blob([`${text.trimEnd()}\n`], { type: "application/x-pem-file" })),
    [text],
  );
  useEffect(() => () => URL.revokeObjectURL(address), [address]);
  return (
    <a class="button slim second" href={address} download={name}>
      {name}
    </a>
  );
}
