// istiod for the mesh laboratory (test/mesh): Istio's own control plane beside a Kubernetes API that lives in memory.
//
//	istiod MESH_CONFIG OBJECTS JWKS
//
// MESH_CONFIG is Istio's mesh configuration; its configSources name the manifests under test. OBJECTS is a YAML file
// of the Namespaces, Services, Pods, EndpointSlices and Secrets that a cluster would hold. JWKS is a file with the keys
// of the cluster's token issuer, served on 127.0.0.1:18000/jwks as the API server would.
//
// Why not pilot-discovery: without a Kubernetes client this version panics while it builds its registries, and only
// with one does it read Services. So Istio's test client is put where its own would be, before anything reads it; the
// rest (configuration, xDS, the authority, the check of workloads' tokens) is the code that a cluster runs.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"time"
	"unsafe"

	authorization "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/testing"

	"istio.io/istio/pilot/pkg/bootstrap"
	"istio.io/istio/pilot/pkg/serviceregistry/provider"
	"istio.io/istio/pkg/cmd"
	"istio.io/istio/pkg/config/constants"
	"istio.io/istio/pkg/kube"
)

const issuerAddress = "127.0.0.1:18000"

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: istiod MESH_CONFIG OBJECTS JWKS")
		os.Exit(2)
	}
	if err := serve(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "istiod:", err)
		os.Exit(1)
	}
}

func serve(meshConfig, objectsFile, jwks string) error {
	objects, err := readObjects(objectsFile)
	if err != nil {
		return err
	}
	issuer := &http.Server{Addr: issuerAddress, ReadHeaderTimeout: time.Second}
	issuer.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, jwks) })
	go func() {
		if err := issuer.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(os.Stderr, "istiod: the issuer's keys:", err)
			os.Exit(1)
		}
	}()

	client := newClusterClient(objects)
	args := bootstrap.NewPilotArgs(func(p *bootstrap.PilotArgs) {
		p.MeshConfigFile = meshConfig
		p.ShutdownDuration = time.Second
		p.RegistryOptions.Registries = []string{string(provider.Kubernetes)}
		p.RegistryOptions.KubeOptions.DomainSuffix = constants.DefaultClusterLocalDomain
		p.RegistryOptions.KubeOptions.ClusterID = "Kubernetes"
		p.ServerOptions.TLSOptions.TLSMinVersion = bootstrap.TLSMinVersion1_3
		p.ServerOptions.HTTPAddr = "127.0.0.1:8080"
		p.ServerOptions.MonitoringAddr = "127.0.0.1:15014"
		p.ServerOptions.GRPCAddr = "" // no xDS in plain text
		p.ServerOptions.SecureGRPCAddr = ":15012"
	})
	if err := args.Complete(); err != nil {
		return err
	}
	server, err := bootstrap.NewServer(args, func(s *bootstrap.Server) { putClient(s, client) })
	if err != nil {
		return err
	}
	stop := make(chan struct{})
	if err := server.Start(stop); err != nil {
		return err
	}
	cmd.WaitSignal(stop)
	server.WaitUntilCompletion()
	return nil
}

// newClusterClient answers as a cluster that holds objects, and lets a gateway read its TLS Secret: istiod asks that
// by a SubjectAccessReview before it sends one.
func newClusterClient(objects []runtime.Object) kube.Client {
	client := kube.NewFakeClient(objects...)
	allow := func(testing.Action) (bool, runtime.Object, error) {
		status := authorization.SubjectAccessReviewStatus{Allowed: true}
		return true, &authorization.SubjectAccessReview{Status: status}, nil
	}
	client.Kube().(*fake.Clientset).PrependReactor("create", "subjectaccessreviews", allow)
	return client
}

// putClient fills a private field. Where a later Istio renames it, this panics at start: nothing goes on unnoticed.
func putClient(server *bootstrap.Server, client kube.Client) {
	field := reflect.ValueOf(server).Elem().FieldByName("kubeClient")
	reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().Set(reflect.ValueOf(client))
}

// readObjects decodes every document of a YAML file; a kind or a version that Kubernetes doesn't know is an error.
func readObjects(file string) ([]runtime.Object, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var objects []runtime.Object
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, err
		}
		object, _, err := scheme.Codecs.UniversalDeserializer().Decode(document, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		objects = append(objects, object)
	}
}
