package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"

	"github.com/assaylab/assay"
)

// TestCredentials has a laboratory verify who signs what comes to AWS's address.
func TestCredentials(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(file, []byte("[default]\naws_access_key_id = AKID\naws_secret_access_key = deep-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := startLab(t, t.TempDir(), "--aws-credentials", file)
	for secret, want := range map[string]string{"deep-secret": "", "wrong": "InvalidSignatureException"} {
		c := awslambda.New(awslambda.Options{
			Region: assay.EmbeddedRegion, BaseEndpoint: aws.String(l.aws), RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("AKID", secret, ""),
		})
		_, err := c.ListFunctions(t.Context(), &awslambda.ListFunctionsInput{})
		var api smithy.APIError
		if want == "" && err != nil || want != "" && (!errors.As(err, &api) || api.ErrorCode() != want) {
			t.Errorf("%s: %v", secret, err)
		}
	}
	if strings.Contains(l.logged(), "deep-secret") {
		t.Errorf("the secret is in the log: %s", l.logged())
	}
}
