/** A first call in several languages. Each needs nothing but what its language brings, and works as it stands. */

export interface Sample {
  readonly name: string;
  readonly text: string;
}

/** What a sample calls. */
export interface SampleCall {
  /** Full name of the RPC. */
  readonly method: string;
  /** JSON. */
  readonly body: string;
}

/** Whom your patients' consents permit what: any application may ask, and gets an empty list at first. */
const firstCall: SampleCall = { method: "wellapi.consent.v1.ConsentService/ListConsents", body: "{}" };

/** With an API key in the variable `WELLAPI_API_KEY`. `origin`: of the exchange, `https://exchange.example`. */
export function keySamples(origin: string, { method, body }: SampleCall = firstCall): readonly Sample[] {
  const url = `${origin}/${method}`;
  const literal = literalOf(body);
  return [
    {
      name: "curl",
      text: `curl ${url} \\
  -H "authorization: Bearer $WELLAPI_API_KEY" -H "content-type: application/json" -d ${shellWord(body)}`,
    },
    {
      name: "TypeScript",
      text: `// node first.ts
const answer = await fetch("${url}", {
  method: "POST",
  headers: {
    authorization: \`Bearer \${process.env.WELLAPI_API_KEY}\`,
    "content-type": "application/json",
  },
  body: ${literal},
});
console.log(answer.status, await answer.text());`,
    },
    {
      name: "Python",
      text: `# python3 first.py
import os, urllib.request

request = urllib.request.Request(
    "${url}",
    data=${literal}.encode(),
    headers={
        "authorization": "Bearer " + os.environ["WELLAPI_API_KEY"],
        "content-type": "application/json",
    },
)
with urllib.request.urlopen(request) as answer:
    print(answer.status, answer.read().decode())`,
    },
    {
      name: "Java",
      text: `// java First.java
import java.net.URI;
import java.net.http.*;

public class First {
  public static void main(String[] args) throws Exception {
    var request = HttpRequest.newBuilder(URI.create("${url}"))
        .header("authorization", "Bearer " + System.getenv("WELLAPI_API_KEY"))
        .header("content-type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(${literal}))
        .build();
    var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    System.out.println(answer.statusCode() + " " + answer.body());
  }
}`,
    },
  ];
}

/** Where a certificate lies that was enrolled as the samples say. */
const usualFolder = "credentials/app";

/** From a code to a certificate, and a call with it. `door`: host and port of the gRPC door, which only the operator knows for sure. */
export function enrollmentSamples(code: string, door: string): readonly Sample[] {
  const [wellapi, ...others] = certificateSamples(usualFolder, door);
  const enroll = `echo ${code} > code.txt
npx wellapi credential enroll --code-file code.txt --out ${usualFolder}`;
  return [{ ...wellapi!, text: `${enroll}\n${wellapi!.text}` }, ...others];
}

/** With the certificate in the folder, at the gRPC door. */
export function certificateSamples(folder: string, door: string): readonly Sample[] {
  return [
    { name: "wellapi", text: `npx wellapi usage --credentials ${folder} --grpc-url https://${door}` },
    grpcurlSample(door, firstCall, folder),
  ];
}

/** Any RPC, also one that streams both ways, at the gRPC door. */
export function grpcurlSample(
  door: string,
  { method, body }: SampleCall,
  folder: string = usualFolder,
): Sample {
  return {
    name: "grpcurl",
    text: `grpcurl -cacert ${folder}/ca.pem -cert ${folder}/cert.pem -key ${folder}/key.pem \\
  -d ${shellWord(body)} ${door} ${method}`,
  };
}

/** A word of a POSIX shell. */
function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** JSON as a literal of TypeScript, Python and Java, which spell what is left to escape in ASCII as JSON does. */
function literalOf(json: string): string {
  const ascii = json.replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return JSON.stringify(ascii);
}
