package awslambda

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/assaylab/assay"
)

// aliasService imitates GetAlias and UpdateAlias, with AWS's check of the revision.
type aliasService struct {
	t       *testing.T
	alias   map[string]any
	updates []map[string]any
}

func (s *aliasService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/2015-03-31/functions/round/aliases/live" {
		s.t.Errorf("called %s %s", r.Method, r.URL.Path)
	}
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodPut {
		var update map[string]any
		if err := json.NewDecoder(r.Body).Decode(&update); err != nil {
			s.t.Error(err)
		}
		if update["RevisionId"] != s.alias["RevisionId"] {
			w.Header().Set("X-Amzn-ErrorType", "PreconditionFailedException")
			w.WriteHeader(http.StatusPreconditionFailed)
			w.Write([]byte(`{"Type": "User", "message": "The Revision Id provided does not match"}`))
			return
		}
		s.updates = append(s.updates, update)
		s.alias["FunctionVersion"] = update["FunctionVersion"]
	}
	json.NewEncoder(w).Encode(s.alias)
}

func newAlias(t *testing.T, version string) (*Alias, *aliasService) {
	service := &aliasService{t: t, alias: map[string]any{"Name": "live", "FunctionVersion": version, "RevisionId": "r1"}}
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	a, err := NewAlias(t.Context(), Options{ARN: function + ":live", Endpoint: server.URL, Credentials: credentials.NewStaticCredentialsProvider("id", "secret", "")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a, service
}

func TestAnAliasIsRouted(t *testing.T) {
	a, service := newAlias(t, "7")
	version, revision, err := a.Leads(t.Context())
	if err != nil || version != "7" || revision != "r1" {
		t.Fatalf("it leads to %q at %q, %v", version, revision, err)
	}
	for _, others := range []map[string]float64{{"8": 0.1}, {}} {
		if err := a.Route(t.Context(), revision, "7", others); err != nil {
			t.Fatal(err)
		}
		last := service.updates[len(service.updates)-1]
		routing, _ := last["RoutingConfig"].(map[string]any)
		want := map[string]any{}
		for v, share := range others {
			want[v] = share
		}
		if last["FunctionVersion"] != "7" || !reflect.DeepEqual(routing["AdditionalVersionWeights"], any(want)) {
			t.Errorf("updated to %v", last)
		}
	}
	var e *assay.Error
	if err := a.Route(t.Context(), "r0", "7", nil); !errors.As(err, &e) || e.Code != assay.CodeUnreachable {
		t.Errorf("somebody else changed it meanwhile: %v", err)
	}
}

func TestAnAliasThatIsNone(t *testing.T) {
	var e *assay.Error
	if _, err := NewAlias(t.Context(), Options{ARN: function}); !errors.As(err, &e) || e.Code != assay.CodeInvalid {
		t.Errorf("no alias: %v", err)
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	a, err := NewAlias(t.Context(), Options{ARN: function + ":live", Endpoint: gone.URL, Credentials: credentials.NewStaticCredentialsProvider("id", "secret", "")})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Leads(t.Context()); !errors.As(err, &e) || e.Code != assay.CodeUnreachable || e.Hint == "" {
		t.Errorf("unreachable: %v", err)
	}
}
