package awsapi

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/assaylab/assay/lambda/sigv4"
)

// TestClients drives the API with AWS's own clients as users have them: each is a program under
// testdata/clients that ends with an error if anything is not as on AWS. Their signatures are verified.
func TestClients(t *testing.T) {
	deps, err := filepath.Abs("../../.deps")
	if err != nil {
		t.Fatal(err)
	}
	python, node := filepath.Join(deps, "python", "bin"), filepath.Join(deps, "node", "node_modules")
	for name, command := range map[string][]string{
		"boto3": {filepath.Join(python, "python"), "testdata/clients/boto3_client.py"},
		"js":    {"node", "testdata/clients/sdk_client.cjs"},
		"cli":   {"bash", "testdata/clients/cli.sh"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			needDeps(t, filepath.Join(python, "aws"), filepath.Join(node, "@aws-sdk", "client-lambda"))
			l := newLab(t, Options{Credentials: []sigv4.Credential{{AccessKeyID: "AKIDTEST", SecretAccessKey: "test/secret"}}})
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, command[0], append(command[1:], l.server.URL, handlerZip(t))...)
			cmd.Env = append(os.Environ(),
				"AWS_ACCESS_KEY_ID=AKIDTEST", "AWS_SECRET_ACCESS_KEY=test/secret", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
				"AWS_EC2_METADATA_DISABLED=true", "PATH="+python+":"+os.Getenv("PATH"), "NODE_PATH="+node, "NODE_NO_WARNINGS=1", "PYTHONDONTWRITEBYTECODE=1")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// needDeps skips a test by name when what scripts/setup installs is missing; in CI it fails.
func needDeps(t testing.TB, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if _, err := os.Stat(path); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skipf("%v: run scripts/setup test", err)
		}
	}
}
