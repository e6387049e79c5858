package packaging

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// kubernetes is the version that the chart is rendered for and validated by.
const kubernetes = "1.31"

// manifest is the part of Kubernetes' objects that the tests look at.
type manifest struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Spec     struct {
		Replicas int
		Template struct {
			Spec struct {
				Containers []struct{ Args []string }
			}
		}
	}
}

func helm(values ...string) (string, error) {
	return try(".", "go", append([]string{"tool", "helm", "template", "lab", "helm/assay", "--kube-version", kubernetes + ".0"}, values...)...)
}

// objects are the objects of rendered text by kind and name.
func objects(t *testing.T, text string) map[string]manifest {
	t.Helper()
	all := map[string]manifest{}
	documents := yaml.NewDecoder(strings.NewReader(text))
	for {
		var m manifest
		err := documents.Decode(&m)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		all[m.Kind+" "+m.Metadata.Name] = m
	}
}

// TestChart renders what people would install, and has it validated by Kubernetes' own schemas.
func TestChart(t *testing.T) {
	run(t, ".", "go", "tool", "helm", "lint", "--strict", "--quiet", "--kube-version", kubernetes+".0", "helm/assay")
	for name, c := range map[string]struct {
		values []string
		want   map[string]int // objects, and their replicas
	}{
		"one machine": {nil, map[string]int{"StatefulSet lab-assay": 1, "Service lab-assay": 0, "Secret lab-assay-token": 0, "ConfigMap lab-assay": 0}},
		"many machines": {
			[]string{"--set", "gateways=3,workers=2,shared.existingSecret=shared,token.existingSecret=mine,networkPolicy.enabled=true"},
			map[string]int{"Deployment lab-assay": 3, "Deployment lab-assay-worker": 2, "PodDisruptionBudget lab-assay": 0, "NetworkPolicy lab-assay": 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := helm(c.values...)
			if err != nil {
				t.Fatal(text)
			}
			got := objects(t, text)
			for key, replicas := range c.want {
				if m, ok := got[key]; !ok || m.Spec.Replicas != replicas {
					t.Errorf("%s: rendered %v, %d replicas of %d", key, ok, m.Spec.Replicas, replicas)
				}
			}
			for _, m := range got {
				for _, container := range m.Spec.Template.Spec.Containers {
					accepts(t, container.Args)
				}
			}
			validate(t, text)
		})
	}
}

// validate holds manifests against the schemas of Kubernetes, with nothing beside what they name.
func validate(t *testing.T, text string) {
	tool, err := filepath.Abs("../.deps/python/bin/kubernetes-validate")
	if err != nil {
		t.Fatal(err)
	}
	needs(t, tool)
	path := filepath.Join(t.TempDir(), "manifests.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, ".", tool, "--kubernetes-version", kubernetes, "--strict", path)
}

// TestChartRefuses what could not work.
func TestChartRefuses(t *testing.T) {
	for _, c := range []struct{ values, says string }{
		{"gateways=2", "needs shared.existingSecret"},
		{"workers=1", "needs shared.existingSecret"},
		{"gateway=2", "gateway"},
		{"gateways=0", "gateways"},
	} {
		if says, err := helm("--set", c.values); err == nil || !strings.Contains(says, c.says) {
			t.Errorf("%s: %v %s", c.values, err, says)
		}
	}
}

// TestChartTakesDefinitions as files of the folder that is watched.
func TestChartTakesDefinitions(t *testing.T) {
	values := filepath.Join(t.TempDir(), "values.yaml")
	text := "experiments:\n  a:\n    path: a\n    control: {url: http://one}\n"
	given, err := yaml.Marshal(map[string]any{"definitions": map[string]string{"mine.yaml": text}})
	if err == nil {
		err = os.WriteFile(values, given, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := helm("--values", values)
	if err != nil {
		t.Fatal(rendered)
	}
	got := objects(t, rendered)
	if mine := got["ConfigMap lab-assay"].Data["mine.yaml"]; strings.TrimSpace(mine) != strings.TrimSpace(text) {
		t.Errorf("the definition became %q", mine)
	}
	if args := got["StatefulSet lab-assay"].Spec.Template.Spec.Containers[0].Args; !slices.Contains(args, "--file=/etc/assay") {
		t.Errorf("nothing reads it: %v", args)
	}
}
